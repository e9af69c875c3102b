import { nullTranslator } from '@jupyterlab/translation';

import {
  askedCell,
  cellQuestion,
  errorText,
  explainQuestion,
  MOST_CODE,
  MOST_ERROR
} from '../failures';

const trans = nullTranslator.load('jupyter_analyst');

function failed(traceback: string[]) {
  return {
    output_type: 'error' as const,
    ename: 'KeyError',
    evalue: "'price'",
    traceback
  };
}

describe('errorText', () => {
  it('leaves out colours and links of terminals', () => {
    const error = failed([
      '\u001b[31mKeyError\u001b[39m',
      '\u001b]8;;file://x\u0007df\u001b]8;;\u0007[\u001b[1;32m"price"\u001b[0m]'
    ]);
    expect(errorText(error)).toBe('KeyError\ndf["price"]');
  });

  it('keeps the end of what is too long', () => {
    const text = errorText(failed(['a'.repeat(9000), "KeyError: 'price'"]));
    expect(text).toHaveLength(MOST_ERROR);
    expect(text.startsWith('…aaa')).toBe(true);
    expect(text.endsWith("\nKeyError: 'price'")).toBe(true);
  });

  it('names the error where there is no traceback', () => {
    expect(errorText(failed([]))).toBe("KeyError: 'price'");
  });
});

describe('askedCell', () => {
  it('takes the last error among the outputs', () => {
    const cell = {
      cell_type: 'code',
      metadata: {},
      source: ['df\n', '["price"]'],
      outputs: [
        { output_type: 'stream', name: 'stdout', text: 'x' },
        failed(['first']),
        failed(['second'])
      ]
    };
    expect(askedCell(cell, 'python')).toEqual({
      code: 'df\n["price"]',
      language: 'python',
      error: 'second'
    });
  });

  it('knows no error of a cell of text', () => {
    const cell = { cell_type: 'markdown', metadata: {}, source: '# A' };
    expect(askedCell(cell, 'python')).toEqual({
      code: '# A',
      language: 'markdown',
      error: null
    });
  });
});

describe('questions', () => {
  it('hold the code and the error, in blocks that they cannot end', () => {
    const question = explainQuestion(
      { code: 'x = """```"""', language: 'python', error: 'NameError' },
      trans
    );
    expect(question).toContain('````python\nx = """```"""\n````');
    expect(question).toContain('Its error:\n\n```\nNameError\n```');
  });

  it('end with room for what the user asks', () => {
    const asked = { code: '1', language: 'python', error: null };
    expect(cellQuestion(asked, trans)).toBe(
      'About this cell:\n\n```python\n1\n```\n\n'
    );
  });

  it('hold the beginning of long code', () => {
    const code = 'y'.repeat(MOST_CODE + 1);
    const question = explainQuestion(
      { code, language: 'python', error: 'E' },
      trans
    );
    expect(question.match(/y+…/)?.[0]).toHaveLength(MOST_CODE);
  });
});
