// Marks on numbers that stand in no output: as Python writes them, and wherever an answer is shown.

import { act } from 'react';

import { runMarkdown } from '../model/markdown';
import { emptyTranscript } from '../model/transcript';
import { legend, marked } from '../rendering/ungrounded';
import { button, drawInPage, host, settled, shown } from './harness';
import told from './told.json';

drawInPage();

const LEGEND = 'Marked numbers stand in no output.';
const RUN = [
  { type: 'run_started', question: 'Why?', model: 'm' },
  {
    type: 'answer',
    text: 'It cost $5 to $99.87, `x = 7.5`, of 199.87.',
    values: { x: 99.87 },
    ungrounded: ['99.87', '7.5']
  },
  { type: 'run_finished', status: 'ok', seconds: 1 }
];
const MARKED = 'It cost $5 to $99.87 (?), `x = 7.5` (?), of 199.87.';

describe('marked', () => {
  it.each(told.marks as [string, string[], string, string][])(
    'comes to what Python comes to: %j with %j',
    (text, numbers, expected, meaning) => {
      expect(marked(text, numbers)).toBe(expected);
      expect(legend(text, numbers)).toBe(meaning);
    }
  );

  it('takes no time over long texts', () => {
    const text = 'A $5 note, `code` and ``` a fence of 99.87\n'.repeat(2000);
    const begun = performance.now();
    marked(text, ['99.87']);
    expect(performance.now() - begun).toBeLessThan(3000);
  });
});

describe('an answer with numbers that stand in no output', () => {
  const answer = () => host.querySelector('.jp-Analyst-answer') as Element;

  it('has a mark behind each, and says what that means', async () => {
    const { tell } = await shown();
    await tell(...RUN);
    const signs = [...answer().querySelectorAll('sup')];
    expect(signs.map(one => one.title)).toEqual([
      'stands in no output',
      'stands in no output'
    ]);
    expect(signs.map(one => one.className)).toEqual([
      'jp-Analyst-ungrounded',
      'jp-Analyst-ungrounded'
    ]);
    expect(answer().textContent).toContain(
      '$99.87(?), `x = 7.5`(?), of 199.87.'
    );
    expect(answer().querySelector('[role=note]')?.textContent).toBe(LEGEND);
    expect(answer().querySelector('td')?.textContent).toBe('99.87');
  });

  it('is told to screen readers, and copied, with its marks', async () => {
    const writeText = jest.fn(async () => undefined);
    Object.assign(navigator, { clipboard: { writeText } });
    const { tell } = await shown();
    await tell(RUN[0]);
    await tell(...RUN.slice(1));
    expect(host.querySelector('[aria-live=polite]')?.textContent).toBe(
      `Answer: ${MARKED}`
    );
    await settled(() => button('Copy answer').click());
    expect(writeText).toHaveBeenCalledWith(`${MARKED}\n\n*${LEGEND}*`);
  });

  it('goes into a notebook with its marks', async () => {
    const { workspace, tell } = await shown();
    const insertAnswer = jest.fn(async () => undefined);
    act(() =>
      workspace.setCells({
        target: 'work.ipynb',
        replaceable: null,
        insertCode: async () => undefined,
        insertAnswer,
        makeNotebook: async () => undefined
      })
    );
    await tell(...RUN);
    await settled(() => button('Insert the answer into work.ipynb').click());
    expect(insertAnswer).toHaveBeenCalledWith(
      `${MARKED}\n\n*${LEGEND}*`,
      'below',
      expect.objectContaining({ runId: 'r' })
    );
  });

  it('is written out with its marks', () => {
    const run = emptyTranscript('r');
    run.answer = 'It is 99.87.';
    expect(runMarkdown(run)).toContain('It is 99.87.\n');
    run.ungrounded = ['99.87'];
    expect(runMarkdown(run)).toContain(`It is 99.87 (?).\n\n*${LEGEND}*\n`);
  });

  it('has no marks where all its numbers stand in outputs', async () => {
    const { tell } = await shown();
    await tell(RUN[0], { ...RUN[1], ungrounded: [] }, RUN[2]);
    expect(answer().querySelector('sup, [role=note]')).toBeNull();
  });
});
