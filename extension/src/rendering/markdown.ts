// A model's Markdown, made ready for Jupyter's renderer, and what is done to the result.
// Not here: sanitizing (sanitizer.ts).

/** Typesetters pass over elements of this class. */
export const LITERAL_CLASS = 'tex2jax_ignore mathjax_ignore';

const LITERAL_DOLLAR = `<span class="${LITERAL_CLASS}">&#36;</span>`;

/** Code: fences, also one that is still being written, and code spans. */
const CODE =
  /(^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\2[`~]* *$|$(?![\s\S]))|(`+)(?!`)[\s\S]*?[^`]\3(?!`))/m;

/** Mathematics: "$5 to $7" is none, since a closing sign follows its formula directly. */
const MATH =
  /(\$\$[\s\S]*?\$\$|(?<!\\)\$(?=[^\s$])(?:[^$\n]*[^\s$\\])?\$(?!\d))/;

/** Let dollars that do not enclose a formula be dollars. */
export function literalDollars(text: string): string {
  if (!text.includes('$')) {
    return text;
  }
  let rest = text;
  let result = '';
  for (;;) {
    const code = CODE.exec(rest);
    const prose = code ? rest.slice(0, code.index) : rest;
    result += prose
      .split(MATH)
      .map((part, at) =>
        at % 2 === 1 ? part : part.replace(/\\?\$/g, LITERAL_DOLLAR)
      )
      .join('');
    if (!code) {
      return result;
    }
    result += code[0];
    rest = rest.slice(code.index + code[0].length);
  }
}

/** Code as a Markdown block that nothing in the code can end. */
export function fenced(code: string, language: string): string {
  const longest = (code.match(/`+/g) ?? []).reduce(
    (most, run) => Math.max(most, run.length),
    2
  );
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${code}\n${fence}`;
}

/** The code of the last Python block of a text, or null. */
export function lastCode(text: string): string | null {
  const blocks = [
    ...text.matchAll(
      /^ {0,3}(`{3,})(?:python|py)\b[^\n]*\n([\s\S]*?)^ {0,3}\1/gm
    )
  ];
  return blocks.pop()?.[2].trimEnd() ?? null;
}

/** Characters that reorder or hide what a reader sees are spelled out. */
export function visible(text: string): string {
  return text.replace(
    /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/g,
    mark =>
      `<U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`
  );
}

const CITATION = /\[F(\d{1,9})\]/g;

/** Turn citations such as [F12] in rendered text into buttons that call `open`. */
export function linkCitations(
  host: HTMLElement,
  open: (number: number) => void,
  label: (number: number) => string
): void {
  const walker = document.createTreeWalker(host, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    if (/\[F\d/.test(node.data) && !node.parentElement?.closest('pre, a')) {
      found.push(node);
    }
  }
  for (const node of found) {
    const parts = node.data.split(CITATION);
    if (parts.length > 1) {
      const pieces = parts.map((part, at) =>
        at % 2 === 1 ? citation(Number(part), open, label) : part
      );
      node.replaceWith(...pieces);
    }
  }
}

function citation(
  number: number,
  open: (number: number) => void,
  label: (number: number) => string
): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'jp-Analyst-citation';
  button.textContent = `F${number}`;
  button.setAttribute('aria-label', label(number));
  button.onclick = () => open(number);
  return button;
}
