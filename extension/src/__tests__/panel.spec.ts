// The panel's parts as a user meets them.

import { act } from 'react';

import {
  button,
  host,
  press,
  settled,
  shown,
  STATUS,
  type,
  drawInPage
} from './harness';

drawInPage();

const BEGUN = { type: 'run_started', question: 'Why?', model: 'm' };
const CALLED = {
  type: 'tool_call_started',
  call_id: 'a',
  tool: 'python',
  raw: '',
  arguments: { code: 'remove()' }
};

describe('the composer', () => {
  const area = () => host.querySelector('textarea') as HTMLTextAreaElement;

  it('sends with Enter, begins a line with Shift+Enter, and is empty then', async () => {
    const { asked } = await shown();
    act(() => type(area(), 'Why?'));
    await settled(() => press(area(), 'Enter', { shiftKey: true }));
    expect(asked.filter(([name]) => name === 'ask')).toEqual([]);
    await settled(() => press(area(), 'Enter'));
    expect(asked).toContainEqual([
      'ask',
      'c',
      { question: 'Why?', context: [], overrides: {} }
    ]);
    expect(area().value).toBe('');
  });

  it('keeps what the server refused, and says why', async () => {
    await shown({ ask: () => Promise.reject(new Error('A run is going on.')) });
    act(() => type(area(), 'Why?'));
    await settled(() => press(area(), 'Enter'));
    expect(area().value).toBe('Why?');
    expect(host.querySelector('[role=alert]')?.textContent).toContain(
      'A run is going on.'
    );
  });

  it('offers to stop while a run goes on', async () => {
    const { asked, tell } = await shown();
    await tell(BEGUN);
    await settled(() => button('Stop').click());
    expect(asked).toContainEqual(['stop', 'c']);
    expect(button('Stopping…').disabled).toBe(true);
    await tell({ type: 'run_finished', status: 'stopped', seconds: 1 });
    expect(button('Ask')).toBeTruthy();
  });

  it('offers what providers have for an @, by keys alone', async () => {
    const { workspace, asked } = await shown();
    const item = {
      reference: { kind: 'file' as const, path: 'data/sales.csv' },
      label: 'sales.csv'
    };
    act(() =>
      workspace.addProvider({
        id: 'files',
        label: 'Files',
        complete: async prefix => (item.label.startsWith(prefix) ? [item] : [])
      })
    );
    await settled(() => type(area(), 'Sum of @sal'));
    await settled(() => {
      area().setSelectionRange(11, 11);
      area().dispatchEvent(new Event('select', { bubbles: true }));
    });
    expect(host.querySelector('[role=option]')?.textContent).toContain(
      'sales.csv'
    );
    await settled(() => press(area(), 'Enter'));
    expect(area().value).toBe('Sum of ');
    await settled(() => press(area(), 'Enter'));
    expect(asked).toContainEqual([
      'ask',
      'c',
      { question: 'Sum of', context: [item.reference], overrides: {} }
    ]);
  });
});

describe('an @', () => {
  const area = () => host.querySelector('textarea') as HTMLTextAreaElement;
  const offers = () =>
    [...host.querySelectorAll('[role=option]')].map(
      one => one.firstElementChild?.textContent
    );
  const offering = (name: string, wait = Promise.resolve()) => ({
    id: name,
    label: name,
    complete: async () => {
      await wait;
      return [
        { reference: { kind: 'file' as const, path: name }, label: name }
      ];
    }
  });

  async function typed(): Promise<void> {
    await settled(() => area().focus());
    await settled(() => type(area(), '@'));
  }

  it('has its offers from who comes when it is typed already', async () => {
    const { workspace } = await shown();
    await typed();
    expect(offers()).toEqual([]);
    await settled(() => workspace.addProvider(offering('late')));
    expect(offers()).toEqual(['late']);
  });

  it('has them again when the cursor comes back', async () => {
    const { workspace } = await shown();
    act(() => workspace.addProvider(offering('one')));
    await typed();
    await settled(() => area().blur());
    expect(offers()).toEqual([]);
    await settled(() => area().focus());
    expect(offers()).toEqual(['one']);
  });

  it('waits for nobody who is slow', async () => {
    const { workspace } = await shown();
    let come = () => undefined as void;
    const slow = new Promise<void>(resolve => (come = resolve));
    act(() => workspace.addProvider(offering('slow', slow)));
    act(() => workspace.addProvider(offering('quick')));
    await typed();
    expect(offers()).toEqual(['quick']);
    await settled(() => come());
    expect(offers()).toEqual(['slow', 'quick']);
  });
});

describe('the panel', () => {
  it('shows first what is missing, and fetches the model by one click', async () => {
    const missing = ['E is not on this machine yet; it has to be fetched.'];
    const embedded = { ...STATUS.embedded, state: 'absent' };
    const { asked } = await shown({
      status: async () => ({ ...STATUS, missing, embedded })
    });
    expect(host.textContent).toContain(missing[0]);
    await settled(() => button('Fetch it').click());
    expect(asked).toContainEqual(['beginPull']);
    expect(host.querySelector('progress')?.value).toBe(50);
    expect(host.textContent).toContain('50 %');
  });

  it('draws what came from the model and the data as text', async () => {
    const { tell } = await shown();
    const evil = '<img src=x onerror=alert(1)>';
    await tell(
      { ...BEGUN, question: evil },
      { type: 'note', level: 'warning', code: 'x', text: evil },
      { type: 'plan_proposed', steps: [evil] },
      { ...CALLED, arguments: { code: evil } },
      {
        type: 'output',
        call_id: 'a',
        output: {
          output_type: 'display_data',
          data: { 'text/html': `<table><tr><td>${evil}1</td></tr></table>` }
        }
      },
      { type: 'answer', text: evil, values: { [evil]: evil } },
      { type: 'run_finished', status: 'error', reason: evil, seconds: 1 }
    );
    expect(host.querySelector('img')).toBeNull();
    expect(host.querySelector('[onerror]')).toBeNull();
    expect(host.querySelector('header')?.textContent).toContain(evil);
  });

  it('tells screen readers of the answer once, and not of its words', async () => {
    const { tell } = await shown();
    const status = () => host.querySelector('[aria-live=polite]')?.textContent;
    await tell(BEGUN, { type: 'message_delta', request: 0, text: 'It was' });
    expect(host.querySelector('[role=log]')?.getAttribute('aria-live')).toBe(
      'off'
    );
    expect(status()).toBe('');
    await tell(
      { type: 'answer', text: 'It was 42.' },
      { type: 'run_finished', status: 'ok', seconds: 1 }
    );
    expect(status()).toBe('Answer: It was 42.');
  });

  it('is walked through by arrow keys', async () => {
    await shown();
    const tab = () => host.querySelector('[aria-selected=true]') as Element;
    await settled(() => press(tab(), 'ArrowRight'));
    expect(tab().textContent).toBe('Findings');
    await settled(() => press(tab(), 'ArrowLeft'));
    await settled(() => press(tab(), 'ArrowLeft'));
    expect(tab().textContent).toBe('Setup');
  });
});

describe('files that the code wrote', () => {
  const NOTE = { type: 'note', code: 'files_written', text: 'It wrote a.csv.' };

  it('are saved beside the notebook by one click', async () => {
    const paths = ['notes/a.csv'];
    const saveFiles = jest.fn(async () => ({ paths }));
    const { workspace, tell } = await shown({ saveFiles });
    workspace.notebook = 'notes/work.ipynb';
    await tell(BEGUN, NOTE);
    await settled(() => button('Save beside the notebook').click());
    expect(saveFiles).toHaveBeenCalledWith('c', 'notes');
    expect(host.textContent).toContain('Saved: notes/a.csv');
  });

  it('may not be there any more', async () => {
    const gone = 'The agent’s workspace has gone.';
    const { tell } = await shown({
      saveFiles: () => Promise.reject(new Error(gone))
    });
    await tell(BEGUN, NOTE);
    await settled(() => button('Save the files').click());
    expect(host.textContent).toContain(gone);
  });
});
