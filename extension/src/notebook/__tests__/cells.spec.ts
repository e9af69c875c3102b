import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookModel } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Contents } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';

import type { AnalystApi } from '../../model/api';
import { emptyTranscript, IStep } from '../../model/transcript';
import { PLOTLY } from '../../rendering/forms';
import { CellActions } from '../cells';

const trans = nullTranslator.load('jupyter_analyst');

/** A notebook of three cells, the second active, of which only the model is real. */
function fakeNotebook(options: { readOnly?: boolean } = {}) {
  const model = new NotebookModel();
  const shared = model.sharedModel;
  shared.insertCells(
    0,
    ['a', 'b', 'c'].map(source => ({ cell_type: 'code' as const, source }))
  );
  shared.clearUndoHistory();
  const content = {
    activeCellIndex: 1,
    get widgets() {
      return [...model.cells].map(cell => ({ model: cell, readOnly: false }));
    },
    get activeCell() {
      return this.widgets[this.activeCellIndex];
    },
    deselectAll: () => undefined,
    scrollToItem: async () => undefined
  };
  const panel = {
    model,
    content,
    title: { label: 'a.ipynb' },
    context: {
      model: { readOnly: options.readOnly ?? false },
      contentsModel: { writable: true },
      localPath: 'work/a.ipynb'
    }
  } as unknown as NotebookPanel;
  const sources = () => [...shared.cells].map(cell => cell.getSource());
  return { panel, shared, sources, content };
}

function actionsOn(
  panel: NotebookPanel | null,
  api: Partial<AnalystApi> = {},
  openDocument = jest.fn()
) {
  const tracker = { currentWidget: panel } as unknown as INotebookTracker;
  return new CellActions({
    tracker,
    api: api as AnalystApi,
    contents: {} as Contents.IManager,
    openDocument,
    trans
  });
}

function step(data: Record<string, unknown>, changes: Partial<IStep> = {}) {
  return {
    code: 'draw()',
    language: 'python',
    status: 'ok',
    outputs: [
      {
        key: 'k',
        output: { output_type: 'display_data', data },
        blobs: [],
        displayId: null,
        cut: 0
      }
    ],
    ...changes
  } as IStep;
}

function runOf(...steps: IStep[]) {
  return { ...emptyTranscript('r'), steps };
}

describe('CellActions', () => {
  let said: jest.SpyInstance;

  beforeEach(() => {
    said = jest.spyOn(Notification, 'warning').mockReturnValue('id');
    // Shared models warn of how they make cells themselves.
    jest.spyOn(console, 'warn').mockReturnValue(undefined);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['above', ['a', 'new', 'b', 'c']],
    ['below', ['a', 'b', 'new', 'c']],
    ['end', ['a', 'b', 'c', 'new']]
  ] as const)('inserts code %s, to be undone at once', async (where, after) => {
    const { panel, shared, sources, content } = fakeNotebook();
    await actionsOn(panel).insertCode('new', where);
    expect(sources()).toEqual(after);
    expect(content.activeCellIndex).toBe(sources().indexOf('new'));
    shared.undo();
    expect(sources()).toEqual(['a', 'b', 'c']);
    expect(shared.canUndo()).toBe(false);
    expect(said).not.toHaveBeenCalled();
  });

  it('keeps its step apart from those right before and after', async () => {
    const { panel, shared, sources } = fakeNotebook();
    shared.transact(() => shared.deleteCell(0));
    await actionsOn(panel).insertCode('new', 'end');
    shared.transact(() => shared.deleteCell(0));
    shared.undo();
    expect(sources()).toEqual(['b', 'c', 'new']);
    shared.undo();
    expect(sources()).toEqual(['b', 'c']);
  });

  it('replaces the code of the active cell', async () => {
    const { panel, sources, shared } = fakeNotebook();
    await actionsOn(panel).insertCode('better', 'replace');
    expect(sources()).toEqual(['a', 'better', 'c']);
    shared.getCell(1).undo();
    expect(sources()).toEqual(['a', 'b', 'c']);
  });

  it('replaces the failed cell rather than the active one', async () => {
    const { panel, sources } = fakeNotebook();
    const actions = actionsOn(panel);
    const failed = panel.content.widgets[2];
    expect(actions.replaceable).toBeNull();
    actions.offerReplacement(panel, failed);
    expect(actions.replaceable).not.toBeNull();
    await actions.insertCode('fixed', 'replace');
    expect(sources()).toEqual(['a', 'b', 'fixed']);
    expect(actions.replaceable).toBeNull();
  });

  it('inserts an answer with the code and the output of its chart', async () => {
    const { panel, shared, sources } = fakeNotebook();
    const figure = { data: [], layout: {} };
    const run = runOf(
      step({ 'text/html': '<b>table</b>' }),
      step({ [PLOTLY]: figure, 'text/html': '<script>1</script>' }),
      step({ [PLOTLY]: figure }, { status: 'error' })
    );
    await actionsOn(panel).insertAnswer('It cost $5 to $7.', 'below', run);
    const cells = shared.toJSON().cells;
    expect(cells).toHaveLength(5);
    expect(cells[2]).toMatchObject({
      cell_type: 'markdown',
      source: 'It cost \\$5 to \\$7.'
    });
    expect(cells[3]).toMatchObject({
      cell_type: 'code',
      source: 'draw()',
      outputs: [{ output_type: 'display_data', data: { [PLOTLY]: figure } }]
    });
    expect(JSON.stringify(cells[3])).not.toContain('script');
    expect(cells[3].metadata.trusted).toBeUndefined();
    shared.undo();
    expect(sources()).toEqual(['a', 'b', 'c']);
  });

  it('attaches an image to the answer', async () => {
    const { panel, shared } = fakeNotebook();
    const run = runOf(step({ 'image/png': 'iVBORw0K' }));
    await actionsOn(panel).insertAnswer('See.', 'end', run);
    expect(shared.toJSON().cells[3]).toMatchObject({
      source: 'See.\n\n![](attachment:chart-1)',
      attachments: { 'chart-1': { 'image/png': 'iVBORw0K' } }
    });
  });

  it('says so where a large chart cannot be loaded', async () => {
    const { panel, sources } = fakeNotebook();
    const large = step({});
    large.outputs[0].blobs = [
      { in: 'data', key: PLOTLY, kind: 'json', sha256: 'f' }
    ];
    const blob = async () => Promise.reject(new Error('gone'));
    await actionsOn(panel, { blob }).insertAnswer('A', 'end', runOf(large));
    expect(sources()).toEqual(['a', 'b', 'c', 'A']);
    expect(said.mock.calls[0][0]).toContain('could not be loaded');
  });

  it('says so where there is no notebook, or one that is read-only', async () => {
    await actionsOn(null).insertCode('new', 'below');
    expect(said.mock.calls[0][0]).toContain('Open a notebook');
    const { panel, sources } = fakeNotebook({ readOnly: true });
    await actionsOn(panel).insertCode('new', 'below');
    await actionsOn(panel).insertCode('new', 'replace');
    expect(said.mock.calls.slice(1).map(call => call[0])).toEqual([
      'a.ipynb is read-only, so nothing was changed in it.',
      'a.ipynb is read-only, so nothing was changed in it.'
    ]);
    expect(sources()).toEqual(['a', 'b', 'c']);
  });

  it('makes a notebook beside the current one, and opens it', async () => {
    const { panel } = fakeNotebook();
    const openDocument = jest.fn();
    const makeNotebook = jest.fn(async () => ({ path: 'work/made-1.ipynb' }));
    const one = { id: 'c', title: 'Sales: by/region?', runs: ['r', 's'] };
    const api = {
      conversations: async () => ({ conversations: [one] }),
      makeNotebook
    } as unknown as AnalystApi;
    await actionsOn(panel, api, openDocument).makeNotebook(['r']);
    expect(makeNotebook).toHaveBeenCalledWith(
      'c',
      'work/Sales-by-region.ipynb',
      ['r']
    );
    expect(openDocument).toHaveBeenCalledWith('work/made-1.ipynb');
  });
});
