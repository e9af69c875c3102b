import {
  fenced,
  lastCode,
  LITERAL_CLASS,
  linkCitations,
  literalDollars,
  visible
} from '../rendering/markdown';

const DOLLAR = `<span class="${LITERAL_CLASS}">&#36;</span>`;

function marked(text: string): string {
  return literalDollars(text).split(DOLLAR).join('§');
}

describe('literalDollars', () => {
  it.each([
    ['It costs $5 to $7.', 'It costs §5 to §7.'],
    ['From $95 to $127.3, or \\$3.', 'From §95 to §127.3, or §3.'],
    ['The mean is $\\bar{x}$.', 'The mean is $\\bar{x}$.'],
    ['$$\nx = 1\n$$ for $5', '$$\nx = 1\n$$ for §5'],
    ['Run `echo $HOME $PATH` for $1', 'Run `echo $HOME $PATH` for §1'],
    ['```sh\necho $A $B\n```\nfor $1', '```sh\necho $A $B\n```\nfor §1'],
    ['```sh\necho $A $B', '```sh\necho $A $B'],
    ['nothing here', 'nothing here']
  ])('%j', (text, expected) => {
    expect(marked(text)).toBe(expected);
  });

  it('takes no time over long texts', () => {
    const text = 'A $5 note, `code` and ``` a fence\n'.repeat(5000);
    const begun = performance.now();
    literalDollars(text);
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});

describe('fenced', () => {
  it('makes a block that the code cannot end', () => {
    expect(fenced('x = """```"""', 'python')).toBe(
      '````python\nx = """```"""\n````'
    );
  });
});

describe('visible', () => {
  it('spells out what hides or reorders text', () => {
    expect(visible('access\u202e "user"\u200b')).toBe(
      'access<U+202E> "user"<U+200B>'
    );
    expect(visible('Größe 漢字 😀')).toBe('Größe 漢字 😀');
  });
});

describe('linkCitations', () => {
  it('makes buttons of citations, outside of code and links', () => {
    const host = document.createElement('div');
    host.innerHTML =
      '<p>As in [F12] and [F3].</p><pre>[F4]</pre><a href="https://x.example">[F5]</a>';
    const opened: number[] = [];
    linkCitations(host, number => opened.push(number), String);
    host.querySelectorAll('button').forEach(button => button.click());
    expect(opened).toEqual([12, 3]);
    expect(host.querySelector('p')?.textContent).toBe('As in F12 and F3.');
    expect(host.querySelector('pre')?.textContent).toBe('[F4]');
  });
});

describe('lastCode', () => {
  const block = (code: string, head = '```python') =>
    [head, code, '```', ''].join('\n');
  const longer = ['````python', 's = """', '```', '"""', '````'].join('\n');

  it.each<[string, string, string | null]>([
    ['the last of several', `${block('a = 1')}and\n${block('b = 2')}`, 'b = 2'],
    ['a short name', block('a = 1', '```py'), 'a = 1'],
    ['words after the name', block('a = 1', '```python title=x'), 'a = 1'],
    ['no other language', block('ls', '```sh'), null],
    ['no language that only begins so', block('x', '```pyret'), null],
    ['no block without a name', block('x', '```'), null],
    ['no block that has no end', '```python\na = 1\n', null],
    ['a longer fence, with a shorter in it', longer, 's = """\n```\n"""'],
    ['indented fences', '  ```python\n  a = 1\n  ```', '  a = 1'],
    ['nothing of nothing', 'It was 42.', null]
  ])('takes %s', (_, text, code) => {
    expect(lastCode(text)).toBe(code);
  });
});
