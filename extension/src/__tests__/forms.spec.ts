import { CanRender, formOf, PLOTLY } from '../rendering/forms';

const ORDER = [
  PLOTLY,
  'application/vnd.vega.v5+json',
  'application/javascript',
  'text/html',
  'text/markdown',
  'image/svg+xml',
  'image/png',
  'text/plain'
];
const all: CanRender = () => true;

function form(data: Record<string, unknown>, canRender = all) {
  return formOf({ output_type: 'display_data', data }, ORDER, canRender);
}

describe('formOf', () => {
  it('prefers a chart to the picture and the words for it', () => {
    const made = form({
      'text/plain': 'Figure()',
      'image/png': 'iVBORw0KGgo=',
      [PLOTLY]: { data: [], layout: { width: 900, title: { text: 'T' } } }
    });
    expect(made).toMatchObject({ kind: 'mime', mime: PLOTLY });
    const data = (made as { data: { layout: object } }).data;
    // The panel's width changes, and the chart's with it.
    expect(data.layout).toEqual({ title: { text: 'T' }, autosize: true });
  });

  it('takes the picture where nothing can draw the chart', () => {
    const made = form(
      { [PLOTLY]: { data: [] }, 'image/png': 'iVBORw0KGgo=' },
      mime => mime !== PLOTLY
    );
    expect(made).toMatchObject({ kind: 'mime', mime: 'image/png' });
  });

  it('takes from a chart what a browser would load', () => {
    const made = form({
      [PLOTLY]: {
        data: [{ type: 'scattermap', url: 'https://evil.example/t' }],
        layout: {
          images: [
            { source: 'https://evil.example/x.png' },
            { source: 'data:image/png;base64,iVBORw0KGgo=' }
          ],
          map: { style: { sources: { a: 'https://evil.example' } } }
        }
      }
    });
    expect(JSON.stringify(made)).not.toContain('evil');
    expect(JSON.stringify(made)).toContain('data:image/png');
  });

  it('takes addresses from specifications that load their data', () => {
    const made = form({
      'application/vnd.vega.v5+json': {
        $schema: 'https://vega.github.io/schema/vega/v5.json',
        data: [{ name: 'a', url: 'https://evil.example/d.csv' }]
      }
    });
    expect(JSON.stringify(made)).not.toContain('evil');
  });

  it('never runs code and never shows a widget', () => {
    const made = form({
      'application/javascript': 'alert(1)',
      'application/vnd.jupyter.widget-view+json': {},
      'text/plain': 'words'
    });
    expect(made).toEqual({ kind: 'text', text: 'words', error: false });
  });

  it('shows an SVG as an image only', () => {
    const source = '<svg><script>alert(1)</script></svg>';
    expect(form({ 'image/svg+xml': [source] })).toEqual({
      kind: 'svg',
      source
    });
  });

  it('gives HTML with looks of its own a page without rights', () => {
    const made = form({ 'text/html': '<style>td{}</style><table></table>' });
    expect(made.kind).toBe('frame');
    expect((made as { page: string }).page).toContain("default-src 'none'");
    expect(form({ 'text/html': '<table></table>' })).toMatchObject({
      kind: 'mime',
      mime: 'text/html'
    });
  });

  it('shows the words for an image that is none', () => {
    const made = form({ 'image/png': '<html>', 'text/plain': 'Figure' });
    expect(made).toMatchObject({ kind: 'text', text: 'Figure' });
  });

  it('shows streams as a terminal does, and errors by their traceback', () => {
    const stream = { output_type: 'stream', name: 'stdout' };
    expect(
      formOf({ ...stream, text: ['10%\r', '90%\nend\r\n'] }, [], all)
    ).toEqual({
      kind: 'text',
      text: '90%\nend\n',
      error: false
    });
    const error = { output_type: 'error', ename: 'KeyError', evalue: "'b'" };
    expect(formOf({ ...error, traceback: [] }, [], all)).toEqual({
      kind: 'text',
      text: "KeyError: 'b'",
      error: true
    });
  });

  it.each([null, 7, 'text', []])('bears data that are %p', data => {
    const made = formOf({ output_type: 'display_data', data }, ORDER, all);
    expect(made.kind).toBe('none');
  });
});
