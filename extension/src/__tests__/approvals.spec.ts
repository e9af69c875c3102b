// What waits for the user, as a user meets it in the panel.

import { act } from 'react';

import {
  button,
  drawInPage,
  host,
  press,
  settled,
  shown,
  type
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
const WAITS = {
  type: 'approval_requested',
  call_id: 'a',
  risk: 'It deletes files.',
  editable: 'remove()'
};
const PLAN = {
  type: 'approval_requested',
  call_id: 'p',
  kind: 'plan',
  risk: 'Nothing has run yet.',
  editable: 'load\nsum',
  can_always: false
};
const QUESTION = {
  type: 'approval_requested',
  call_id: 'q',
  kind: 'question',
  risk: 'Which year?',
  editable: '',
  choices: ['2024', '2025'],
  can_always: false
};

describe('an approval', () => {
  it('takes the cursor to its card, and to no button of it', async () => {
    const { tell } = await shown();
    await tell(BEGUN, CALLED, WAITS);
    const card = host.querySelector('[role=alertdialog]');
    expect(document.activeElement).toBe(card);
    expect(card?.textContent).toContain('It deletes files.');
    await settled(() => press(card as Element, 'Enter'));
    expect(host.querySelector('[role=alertdialog]')).toBe(card);
  });

  it.each([
    ['Approve', { decision: 'approved' }],
    ['Deny', { decision: 'denied' }],
    ['Always in this conversation', { decision: 'approved', always: true }]
  ])('%s', async (name, made) => {
    const { tell, asked } = await shown();
    await tell(BEGUN, CALLED, WAITS);
    await settled(() => button(name).click());
    expect(asked).toContainEqual(['decide', 'c', 'a', made]);
  });

  it('runs what was edited, and never the old code by mistake', async () => {
    const { tell, asked } = await shown();
    await tell(BEGUN, CALLED, WAITS);
    const editor = host.querySelector('.jp-Analyst-editor');
    act(() => type(editor as HTMLTextAreaElement, 'keep()'));
    expect(host.textContent).not.toContain('Approve');
    await settled(() => button('Run as edited').click());
    expect(asked).toContainEqual([
      'decide',
      'c',
      'a',
      { decision: 'edited', text: 'keep()' }
    ]);
  });

  it('is gone when another front end decided', async () => {
    const { tell } = await shown();
    await tell(BEGUN, CALLED, WAITS);
    await tell({
      type: 'approval_resolved',
      call_id: 'a',
      decision: 'denied',
      by: 'user'
    });
    expect(host.querySelector('[role=alertdialog]')).toBeNull();
  });

  it('says that code holds characters which hide text', async () => {
    const { tell } = await shown();
    await tell(
      BEGUN,
      { ...CALLED, arguments: { code: 'x = "\u202e"' } },
      WAITS
    );
    expect(host.textContent).toContain('hide or reorder');
  });

  it('shows all arguments of a call, and what it would change', async () => {
    const { tell } = await shown();
    await tell(
      BEGUN,
      {
        ...CALLED,
        tool: 'write_file',
        arguments: { path: 'a.md', content: 'new', at: [1, 2] }
      },
      { ...WAITS, editable: 'new', preview: '-old\n+new', can_always: false }
    );
    const card = host.querySelector('[role=alertdialog]') as HTMLElement;
    expect(card.textContent).toContain('May write_file run?');
    expect(card.querySelector('dl')?.textContent).toBe('patha.mdat[1,2]');
    expect(card.querySelector('textarea')?.value).toBe('new');
    expect(card.querySelector('pre')?.textContent).toBe('-old\n+new');
    expect(card.textContent).not.toContain('Always');
  });

  it('lets nobody edit what cannot be', async () => {
    const { tell } = await shown();
    await tell(BEGUN, CALLED, { ...WAITS, editable: null });
    const editor = host.querySelector('.jp-Analyst-editor');
    expect((editor as HTMLTextAreaElement).readOnly).toBe(true);
  });

  it('has a plan edited, one step a line', async () => {
    const { tell, asked } = await shown();
    await tell(BEGUN, PLAN);
    const editor = host.querySelector('.jp-Analyst-editor');
    expect((editor as HTMLTextAreaElement).value).toBe('load\nsum');
    expect(host.textContent).toContain('Waiting for your approval');
    expect(host.textContent).not.toContain('Always');
    act(() => type(editor as HTMLTextAreaElement, ' '));
    expect(button('Run as edited').disabled).toBe(true);
    act(() => type(editor as HTMLTextAreaElement, 'load\ncount'));
    await settled(() => button('Run as edited').click());
    expect(asked).toContainEqual([
      'decide',
      'c',
      'p',
      { decision: 'edited', text: 'load\ncount' }
    ]);
  });

  const words = () =>
    host.querySelector('.jp-Analyst-ownWords') as HTMLInputElement;

  it.each<[string, () => void, object]>([
    [
      'a choice',
      () => host.querySelectorAll<HTMLElement>('[type=radio]')[1].click(),
      { decision: 'approved', text: '2025' }
    ],
    [
      'words of the user, which outdo a choice',
      () => {
        host.querySelectorAll<HTMLElement>('[type=radio]')[1].click();
        type(words(), ' all years ');
      },
      { decision: 'approved', text: 'all years' }
    ]
  ])('answers a question by %s', async (_, choose, made) => {
    const { tell, asked } = await shown();
    await tell(BEGUN, QUESTION);
    expect(button('Answer').disabled).toBe(true);
    act(choose);
    await settled(() => button('Answer').click());
    expect(asked).toContainEqual(['decide', 'c', 'q', made]);
  });

  it('leaves a question to the agent', async () => {
    const { tell, asked } = await shown();
    await tell(BEGUN, QUESTION);
    expect(host.textContent).toContain('Waiting for your answer');
    await settled(() => button('Let the agent decide').click());
    expect(asked).toContainEqual(['decide', 'c', 'q', { decision: 'denied' }]);
  });

  it('shows what a question came to', async () => {
    const { tell } = await shown();
    await tell(
      BEGUN,
      { ...CALLED, tool: 'ask_user', arguments: { question: 'Which year?' } },
      { ...QUESTION, call_id: 'a' },
      {
        type: 'approval_resolved',
        call_id: 'a',
        decision: 'approved',
        by: 'user',
        answer: '2025'
      }
    );
    expect(host.querySelector('[role=alertdialog]')).toBeNull();
    expect(host.textContent).toContain('Asks you: Which year?');
    expect(host.textContent).toContain('You said: 2025');
  });
});
