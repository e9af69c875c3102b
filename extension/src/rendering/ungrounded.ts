// Marks on the numbers of an answer that stand in no output.
// The same rules as analyst/frontends/ungrounded.py: whole numbers only; a number in code or in
// a formula has its mark behind that, and one in a block of code below it; addresses, citations
// and the marks of lists are left alone. Not here: which numbers they are (the event `answer`).

import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';

/** The sanitizer lets this class pass. */
export const UNGROUNDED_CLASS = 'jp-Analyst-ungrounded';

/** How a mark is written where there is no HTML. */
export const PLAIN_SIGN = ' (?)';

interface IMarked {
  text: string;
  /** Numbers that have a mark, without their sign. */
  numbers: Set<string>;
}

const GAPS = " '\\u2019\\u00a0\\u2009\\u202f";
const POWER = '(?:[eE][+-]?\\d+)?';
const NAME = "(?:st|nd|rd|th)\\b|(?<=\\b\\d{3}0)['\\u2019]?s\\b";
const NUMBER = `(?<![\\p{L}\\p{N}_.])-?\\d+(?:[,.${GAPS}]\\d+)*${POWER}(?![,.]?\\d|${NAME})`;
const ANY_NUMBER = new RegExp(NUMBER, 'gu');
const ONE = new RegExp(
  `^(?:\\d{1,3}([,.${GAPS}])\\d{3}(?:\\1\\d{3})*(?:[.,]\\d+)?|\\d+(?:[.,]\\d+)?${POWER})$`,
  'u'
);
const IN_LIST = new RegExp(
  `(?<![\\p{L}\\p{N}_.])-?\\d+(?:,\\d{3})*(?:\\.\\d+)?${POWER}`,
  'gu'
);

const BLOCK =
  '^[ \\t>]*(?:(?:[-*+]|\\d{1,9}[.)])[ \\t]+)?(?<fence>`{3,}(?=[^`\\n]*$)|~{3,})[^\\n]*\\n' +
  '[\\s\\S]*?(?:^[ \\t>]*\\k<fence>[`~]*[ \\t]*$|$(?![\\s\\S]))';
const INSIDE = [
  '(?<ticks>`+)(?!`)(?:(?!\\n[ \\t]*\\n)[\\s\\S])*?[^`]\\k<ticks>(?!`)',
  '\\$\\$[\\s\\S]*?\\$\\$',
  '(?<!\\\\)\\$(?=[^\\s$])(?:[^$\\n]*[^\\s$\\\\])?\\$(?!\\d)'
].join('|');
const LEFT = [
  '\\]\\((?:[^()\\n]|\\([^()\\n]*\\))*\\)',
  '<[A-Za-z/!?][^<>\\n]*>',
  '&#?[A-Za-z0-9]{1,31};',
  '(?:https?:\\/\\/|www\\.)[^\\s<>]+',
  '\\[[KF]\\d[^\\]\\n]*\\]',
  '^[ \\t>]*(?:[-*+][ \\t]+)?\\d{1,3}[.)](?=\\s)'
].join('|');
const PART = new RegExp(
  `(?<block>${BLOCK})|(?<inside>${INSIDE})|(?:${LEFT})|(?<number>${NUMBER})`,
  'gmu'
);

/** Markdown with `sign` behind each of its `numbers`. */
export function marked(
  text: string,
  numbers: readonly string[],
  sign = PLAIN_SIGN
): string {
  return mark(text, numbers, sign).text;
}

/** What the marks of a text mean, and which numbers could not be marked; '' for none. */
export function legend(
  text: string,
  numbers: readonly string[],
  trans: TranslationBundle = nullTranslator.load('')
): string {
  const found = mark(text, numbers, PLAIN_SIGN).numbers;
  const left = numbers.filter(one => !found.has(bare(one)));
  const parts = found.size
    ? [trans.__('Marked numbers stand in no output.')]
    : [];
  if (left.length > 0) {
    parts.push(trans.__('Not in any output: %1.', left.join(', ')));
  }
  return parts.join(' ');
}

/** Markdown with marks, and below it what they mean; for reading elsewhere. */
export function markedWithLegend(
  text: string,
  numbers: readonly string[],
  trans?: TranslationBundle
): string {
  const told = legend(text, numbers, trans);
  return told ? `${marked(text, numbers)}\n\n*${told}*` : text;
}

/** A sign for Markdown that is rendered; `meaning` may hold no quotation marks. */
export function htmlSign(meaning: string): string {
  return `<sup class="${UNGROUNDED_CLASS}" title="${meaning}">(?)</sup>`;
}

function mark(text: string, numbers: readonly string[], sign: string): IMarked {
  const wanted = new Set(numbers.map(bare));
  const found = new Set<string>();
  if (wanted.size === 0) {
    return { text, numbers: found };
  }
  let result = '';
  let done = 0;
  const put = (at: number, what: string) => {
    result += text.slice(done, at) + what;
    done = at;
  };
  for (const match of text.matchAll(PART)) {
    const { block, inside, number } = match.groups ?? {};
    const end = match.index + match[0].length;
    if (number !== undefined) {
      for (const place of placesOf(text, match.index, end, wanted)) {
        found.add(bare(text.slice(...place)));
        put(behind(text, ...place), sign);
      }
    } else if (block !== undefined || inside !== undefined) {
      const places = [...match[0].matchAll(ANY_NUMBER)].flatMap(one => {
        const start = match.index + one.index;
        return placesOf(text, start, start + one[0].length, wanted);
      });
      const shown = new Set(places.map(place => text.slice(...place)));
      shown.forEach(one => found.add(bare(one)));
      if (shown.size > 0) {
        const listed = [...shown].join(', ');
        put(end, block === undefined ? sign : `\n\n${listed}${sign}\n`);
      }
    }
  }
  return { text: result + text.slice(done), numbers: found };
}

type Place = [start: number, end: number];

/** The places of wanted numbers in what may be one number, or several. */
function placesOf(
  text: string,
  start: number,
  end: number,
  wanted: ReadonlySet<string>
): Place[] {
  const token = text.slice(start, end);
  if (wanted.has(bare(token))) {
    return [[start, end]];
  }
  if (ONE.test(bare(token))) {
    return [];
  }
  return [...token.matchAll(IN_LIST)]
    .filter(one => wanted.has(bare(one[0])))
    .map(one => [start + one.index, start + one.index + one[0].length]);
}

/** Where the sign of a number goes: behind its unit, and not into an emphasis. */
function behind(text: string, start: number, end: number): number {
  const unit = /[ \u00a0\u202f]?%|\p{L}+(?![\p{L}\p{N}_])/uy;
  unit.lastIndex = end;
  const at = unit.test(text) ? unit.lastIndex : end;
  const stars = /([*_~]+)[\p{L}\p{N}]/uy;
  stars.lastIndex = at;
  const run = stars.exec(text)?.[1];
  if (run === undefined) {
    return at;
  }
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  // Between a sign and a letter, the emphasis would not end.
  return line.split(run).length % 2 === 0 ? at + run.length : at;
}

function bare(number: string): string {
  return number.replace(/^-+/, '');
}
