// What can be done to the current notebook from the panel, each as one undoable step.
// The focus stays where it is. Not here: what an answer's cells hold (answers.ts).

import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Contents, ServerConnection } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';

import type { AnalystApi } from '../model/api';
import type { ITranscript } from '../model/transcript';
import type { CellPlace, ICellActions } from '../tokens';
import { answerCells } from './answers';
import { NewCell, NotebookCell, pathOf } from './places';

/** A failed cell, and what its code shall be replaced by. */
interface IReplaceable {
  panel: NotebookPanel;
  cell: NotebookCell;
}

export interface ICellServices {
  tracker: INotebookTracker;
  api: AnalystApi;
  contents: Contents.IManager;
  /** Open a document of the server's. */
  openDocument: (path: string) => Promise<unknown>;
  trans: TranslationBundle;
}

export class CellActions implements ICellActions {
  constructor(private _services: ICellServices) {}

  get target(): string | null {
    return this._services.tracker.currentWidget?.title.label ?? null;
  }

  get replaceable(): string | null {
    const found = this._stillThere();
    if (!found) {
      return null;
    }
    const { cell, panel } = found;
    const position = panel.content.widgets.indexOf(cell) + 1;
    return this._services.trans.__(
      'cell %1 of %2',
      position,
      panel.title.label
    );
  }

  /** Remember the cell that a fix was asked for. */
  offerReplacement(panel: NotebookPanel, cell: NotebookCell): void {
    this._replaceable = { panel, cell };
  }

  async insertCode(code: string, where: CellPlace): Promise<void> {
    if (where === 'replace') {
      this._replace(code);
    } else {
      await this._insert(where, [newCode(code)]);
    }
  }

  async insertAnswer(
    markdown: string,
    where: CellPlace,
    run: ITranscript | null = null
  ): Promise<void> {
    const { api, trans } = this._services;
    let cells: NewCell[];
    try {
      cells = await answerCells(markdown, run, api);
    } catch {
      say(
        trans.__(
          'A chart of the answer could not be loaded; its text was inserted without it.'
        )
      );
      cells = await answerCells(markdown, null, api);
    }
    await this._insert(where, cells);
  }

  async makeNotebook(runIds: string[]): Promise<void> {
    const { api, openDocument, tracker } = this._services;
    const current = tracker.currentWidget;
    const directory = current ? PathExt.dirname(pathOf(current)) : '';
    const { conversations } = await api.conversations();
    const all = conversations.find(one =>
      runIds.every(id => one.runs.includes(id))
    );
    if (!all) {
      await openDocument(await this._writtenNotebook(runIds, directory));
      return;
    }
    const name = PathExt.join(directory, `${fileName(all.title)}.ipynb`);
    const { path } = await api.makeNotebook(all.id, name, runIds);
    await openDocument(path);
  }

  /** Write the notebook of a run that no conversation of the panel has. */
  private async _writtenNotebook(
    runIds: string[],
    directory: string
  ): Promise<string> {
    const { api, contents, trans } = this._services;
    if (runIds.length !== 1) {
      throw new Error(
        trans.__('Only runs of one conversation can be made a notebook.')
      );
    }
    const url = api.runNotebookUrl(runIds[0]);
    const response = await ServerConnection.makeRequest(url, {}, api.settings);
    if (!response.ok) {
      throw await ServerConnection.ResponseError.create(response);
    }
    const content = await response.json();
    const made = await contents.newUntitled({
      path: directory,
      type: 'notebook'
    });
    await contents.save(made.path, {
      type: 'notebook',
      format: 'json',
      content
    });
    return made.path;
  }

  /** Insert a cell of code below and return it; null, and said, where that cannot be done. */
  async addCode(
    panel: NotebookPanel,
    code: string
  ): Promise<NotebookCell | null> {
    return this._insertInto(panel, 'below', [newCode(code)]);
  }

  private async _insert(where: CellPlace, cells: NewCell[]): Promise<void> {
    const panel = this._services.tracker.currentWidget;
    if (!panel) {
      say(this._services.trans.__('Open a notebook first, to insert into.'));
      return;
    }
    await this._insertInto(panel, where, cells);
  }

  private async _insertInto(
    panel: NotebookPanel,
    where: CellPlace,
    cells: NewCell[]
  ): Promise<NotebookCell | null> {
    const model = panel.model;
    if (!model || !this._isWritable(panel)) {
      return null;
    }
    const notebook = panel.content;
    const at = placeOf(
      where,
      notebook.activeCellIndex,
      notebook.widgets.length
    );
    const shared = model.sharedModel;
    asOneStep(shared, () => {
      shared.transact(() => {
        shared.insertCells(at, cells);
      });
    });
    keepingFocus(() => {
      notebook.deselectAll();
      notebook.activeCellIndex = at + cells.length - 1;
    });
    await notebook.scrollToItem(at, 'smart');
    return notebook.widgets[at + cells.length - 1] ?? null;
  }

  private _replace(code: string): void {
    const { tracker, trans } = this._services;
    const current = tracker.currentWidget;
    const active = current?.content.activeCell;
    const found =
      this._stillThere() ??
      (current && active ? { panel: current, cell: active } : null);
    if (!found || found.cell.model.type !== 'code') {
      say(trans.__('Choose the code cell that shall be replaced first.'));
      return;
    }
    if (!this._isWritable(found.panel)) {
      return;
    }
    if (found.cell.readOnly) {
      say(trans.__('The cell cannot be edited, so it was left as it is.'));
      return;
    }
    const shared = found.cell.model.sharedModel;
    asOneStep(shared, () => shared.transact(() => shared.setSource(code)));
    this._replaceable = null;
    const { content } = found.panel;
    keepingFocus(() => {
      content.activeCellIndex = content.widgets.indexOf(found.cell);
    });
  }

  private _isWritable(panel: NotebookPanel): boolean {
    const { model, contentsModel } = panel.context;
    const readOnly = model.readOnly || contentsModel?.writable === false;
    if (readOnly) {
      say(
        this._services.trans.__(
          '%1 is read-only, so nothing was changed in it.',
          panel.title.label
        )
      );
    }
    return !readOnly;
  }

  private _stillThere(): IReplaceable | null {
    const found = this._replaceable;
    return found && !found.panel.isDisposed && !found.cell.isDisposed
      ? found
      : null;
  }

  private _replaceable: IReplaceable | null = null;
}

/** Something that can undo what was done to it. */
interface IUndoable {
  undoManager?: { stopCapturing(): void } | null;
}

/** Keep a change apart from what is done right before and after it. */
function asOneStep(shared: object, change: () => void): void {
  const undoable = shared as IUndoable;
  undoable.undoManager?.stopCapturing();
  change();
  undoable.undoManager?.stopCapturing();
}

/** A notebook that is edited takes the focus when another cell becomes the active one. */
function keepingFocus(change: () => void): void {
  const focused = document.activeElement;
  change();
  if (focused instanceof HTMLElement && focused !== document.activeElement) {
    focused.focus();
  }
}

function placeOf(where: CellPlace, active: number, length: number): number {
  if (where === 'end' || length === 0) {
    return length;
  }
  return where === 'above' ? active : active + 1;
}

function newCode(source: string): NewCell {
  return { cell_type: 'code', source, metadata: { trusted: true } };
}

function fileName(title: string): string {
  const words = title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
  return words.slice(0, 60) || 'analysis';
}

/** Tell the user something; for things that were asked for and not done. */
export function say(sentence: string): void {
  Notification.warning(sentence, { autoClose: 8000 });
}
