import { isRemote, onLinkClick, safeAddress } from '../rendering/links';
import { PanelSanitizer } from '../rendering/sanitizer';
import { htmlSign } from '../rendering/ungrounded';

const sanitizer = new PanelSanitizer(address => `Image: ${address}`);

function cleaned(html: string): HTMLElement {
  const host = document.createElement('div');
  host.innerHTML = sanitizer.sanitize(html);
  return host;
}

describe('PanelSanitizer', () => {
  it.each([
    ['<script>alert(1)</script>text'],
    ['<style>body{display:none}</style>text'],
    ['<link rel="stylesheet" href="https://evil.example/x.css">text'],
    ['<iframe src="https://evil.example"></iframe>text'],
    ['<form action="https://evil.example"><input name="key"></form>text'],
    ['<button data-commandlinker-command="notebook:run">Run</button>text'],
    ['<svg><image href="https://evil.example/x.png"/></svg>text'],
    ['<math><mtext><img src=x onerror=alert(1)></mtext></math>text'],
    ['<video src="https://evil.example/x.mp4"></video>text'],
    ['<object data="https://evil.example"></object>text']
  ])('removes what acts, loads or frames: %s', html => {
    const host = cleaned(html);
    expect(host.querySelector('*')).toBeNull();
    expect(host.textContent).toContain('text');
  });

  it('keeps tables, and none of their looks or handlers', () => {
    const host = cleaned(
      '<table class="dataframe" border="1" style="position:fixed" onclick="x()">' +
        '<tr><th id="h" data-x="1">a</th><td colspan="2">1</td></tr></table>'
    );
    const names = [...host.querySelectorAll('*')].flatMap(element =>
      element.getAttributeNames()
    );
    expect(new Set(names)).toEqual(new Set(['border', 'colspan']));
    expect(host.querySelector('td')?.textContent).toBe('1');
  });

  it('keeps the mark of a number, and no other class', () => {
    const host = cleaned(
      htmlSign('stands in no output') + '<sup class="jp-Dialog">1</sup>'
    );
    expect(host.innerHTML).toBe(
      '<sup title="stands in no output" class="jp-Analyst-ungrounded">(?)</sup>' +
        '<sup>1</sup>'
    );
  });

  it('lets links lead to the web and to mail, in a page of their own', () => {
    const host = cleaned(
      '<a href="https://example.org/a">a</a><a href="mailto:a@example.org">b</a>'
    );
    for (const link of host.querySelectorAll('a')) {
      expect(link.target).toBe('_blank');
      expect(link.rel).toBe('noopener noreferrer nofollow');
      expect(link.getAttribute('referrerpolicy')).toBe('no-referrer');
      expect(link.getAttribute('href')).toMatch(/^(https|mailto):/);
    }
  });

  it.each([
    'javascript:alert(1)',
    ' java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'lab/tree/secret.ipynb',
    '/lab?reset',
    '#heading',
    'command:notebook:run-all',
    'vbscript:x',
    'file:///etc/passwd'
  ])('leaves the text alone of a link to %s', href => {
    const host = cleaned(`<a href="${href}">words</a>`);
    expect(host.querySelector('[href]')).toBeNull();
    expect(host.textContent).toBe('words');
  });

  it('makes links of images from elsewhere, so that nothing is fetched unasked', () => {
    const address = 'https://evil.example/x.png?d=secret';
    const host = cleaned(
      `<img src="${address}" srcset="${address} 2x"><img alt="a chart" src="//evil.example/y">`
    );
    expect(host.querySelector('img, [src], [srcset]')).toBeNull();
    const [first] = host.querySelectorAll('a');
    expect(first.getAttribute('href')).toBe(address);
    expect(first.textContent).toBe(`Image: ${address}`);
    expect(host.textContent).toContain('a chart');
  });

  it('shows images that are data, and not those of the server', () => {
    const host = cleaned(
      '<img src="data:image/png;base64,iVBORw0KGgo="><img src="files/secret.png">'
    );
    expect(host.querySelectorAll('img')).toHaveLength(1);
  });

  it('keeps the classes of highlighted code, and no looks of Jupyter’s', () => {
    const host = cleaned(
      '<pre><code class="cm-s-jupyter language-python"><span class="ͼ1">x</span></code></pre>' +
        '<div class="jp-Dialog">fake</div><pre class="jp-Dialog">fake</pre>'
    );
    expect(host.querySelector('code')?.className).toContain('language-python');
    expect(host.querySelector('span')?.className).toBe('ͼ1');
    expect(host.querySelector('.jp-Dialog')).toBeNull();
  });
});

describe('links', () => {
  it('tells addresses of the web from others', () => {
    expect(safeAddress('https://example.org')).toBe('https://example.org/');
    expect(safeAddress('relative/path')).toBeNull();
    expect(safeAddress('JaVaScRiPt:alert(1)')).toBeNull();
    expect(isRemote('//example.org')).toBe(true);
    expect(isRemote('data:image/png;base64,')).toBe(false);
  });

  it('follows a click by these rules, whatever the link says of itself', () => {
    const opened = jest.spyOn(window, 'open').mockReturnValue(null);
    const host = document.createElement('div');
    document.body.appendChild(host);
    host.innerHTML =
      '<a href="https://example.org/"><b>web</b></a><a href="javascript:alert(1)">bad</a>';
    host.addEventListener('click', onLinkClick, true);
    const clicks = [...host.querySelectorAll('b, a:last-child')].map(one => {
      const click = new MouseEvent('click', {
        bubbles: true,
        cancelable: true
      });
      one.dispatchEvent(click);
      return click;
    });
    expect(clicks.every(click => click.defaultPrevented)).toBe(true);
    expect(opened).toHaveBeenCalledTimes(1);
    expect(opened).toHaveBeenCalledWith(
      'https://example.org/',
      '_blank',
      'noopener,noreferrer'
    );
    opened.mockRestore();
    host.remove();
  });
});
