// In which form an output is shown: the best that can do nothing but be looked at.
// The same choices as analyst/frontends/outputs.py. Not here: drawing (components/output.tsx).

import { textOf } from '../model/outputs';

export const PLOTLY = 'application/vnd.plotly.v1+json';

const MAX_CHART_CHARS = 20_000_000;
const MAX_IMAGE_CHARS = 27_000_000;
const MAX_HTML_CHARS = 400_000;

/** Images that rendermime shows from base64. */
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** Beginnings of these images in base64. */
const BEGINNINGS: Record<string, string[]> = {
  'image/png': ['iVBORw0K'],
  'image/jpeg': ['/9j/'],
  'image/gif': ['R0lGOD'],
  'image/webp': ['UklGR']
};

/** Never rendered, whoever has registered a renderer: code, and views of live objects. */
const NEVER =
  /javascript|ecmascript|widget-(view|state)|pdf|vnd\.bokehjs|vnd\.holoviews/;

/** Specifications that load what they name; shown only without addresses. */
const VEGA = /^application\/vnd\.vega(lite)?\.v\d/;

/** How to show an output. */
export type Form =
  | { kind: 'text'; text: string; error: boolean }
  | { kind: 'mime'; mime: string; data: unknown; rich: boolean }
  | { kind: 'svg'; source: string }
  | { kind: 'frame'; page: string }
  | { kind: 'tooLarge'; size: number }
  | { kind: 'none' };

/** Whether a mime type can be shown by a renderer that is safe with untrusted data. */
export type CanRender = (mime: string) => boolean;

/** Choose the form of an output of nbformat's shape. */
export function formOf(
  output: Record<string, unknown>,
  mimes: readonly string[],
  canRender: CanRender
): Form {
  if (output.output_type === 'stream') {
    return {
      kind: 'text',
      text: overwritten(textOf(output.text)),
      error: output.name === 'stderr'
    };
  }
  if (output.output_type === 'error') {
    return { kind: 'text', text: errorText(output), error: true };
  }
  const data = output.data;
  if (data === null || typeof data !== 'object') {
    return { kind: 'none' };
  }
  return bundleForm(data as Record<string, unknown>, mimes, canRender);
}

/** Choose among the types of a bundle; `mimes` is the order of preference. */
function bundleForm(
  bundle: Record<string, unknown>,
  mimes: readonly string[],
  canRender: CanRender
): Form {
  if (PLOTLY in bundle && canRender(PLOTLY)) {
    const form = chartForm(bundle[PLOTLY]);
    if (form) {
      return form;
    }
  }
  for (const mime of mimes) {
    if (!(mime in bundle) || NEVER.test(mime) || mime === PLOTLY) {
      continue;
    }
    const form = formOfMime(mime, bundle[mime], canRender);
    if (form) {
      return form;
    }
  }
  const text = bundle['text/plain'];
  return text === undefined
    ? { kind: 'none' }
    : { kind: 'text', text: textOf(text), error: false };
}

function formOfMime(
  mime: string,
  value: unknown,
  canRender: CanRender
): Form | null {
  if (mime === 'image/svg+xml') {
    return { kind: 'svg', source: textOf(value) };
  }
  if (mime === 'text/plain') {
    return { kind: 'text', text: textOf(value), error: false };
  }
  if (!canRender(mime)) {
    return null;
  }
  if (IMAGES.includes(mime)) {
    return imageForm(mime, value);
  }
  if (mime === 'text/html') {
    return htmlForm(textOf(value));
  }
  if (VEGA.test(mime)) {
    const data = withoutAddresses(value);
    return { kind: 'mime', mime, data, rich: true };
  }
  return { kind: 'mime', mime, data: value, rich: true };
}

function chartForm(value: unknown): Form | null {
  const figure = typeof value === 'string' ? parsed(value) : value;
  if (!isRecord(figure) || !Array.isArray(figure.data)) {
    return null;
  }
  const size = JSON.stringify(figure).length;
  if (size > MAX_CHART_CHARS) {
    return { kind: 'tooLarge', size };
  }
  const { data, layout, frames } = figure;
  const shown = {
    data: data.map(local),
    // The panel is narrow, and its width changes.
    layout: { ...(local(layout ?? {}) as object), autosize: true },
    ...(Array.isArray(frames) ? { frames: frames.map(local) } : {}),
    // Nothing of it goes to anybody's server, by whatever button.
    config: {
      responsive: true,
      displaylogo: false,
      showSendToCloud: false,
      plotlyServerURL: ''
    }
  };
  delete (shown.layout as Record<string, unknown>).width;
  return { kind: 'mime', mime: PLOTLY, data: shown, rich: true };
}

function imageForm(mime: string, value: unknown): Form | null {
  const data = textOf(value).replace(/\s+/g, '');
  if (data.length > MAX_IMAGE_CHARS) {
    return { kind: 'tooLarge', size: data.length };
  }
  return BEGINNINGS[mime].some(beginning => data.startsWith(beginning))
    ? { kind: 'mime', mime, data, rich: true }
    : null;
}

const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; " +
  "base-uri 'none'; form-action 'none'";

/** Tables are sanitised in place; HTML with looks of its own gets a page without any rights. */
function htmlForm(source: string): Form | null {
  if (source.length > MAX_HTML_CHARS) {
    return null;
  }
  const lowered = source.toLowerCase().split('<style scoped>').join('');
  const looks = ['<img', '<svg', '<style'].some(tag => lowered.includes(tag));
  if (!looks) {
    return { kind: 'mime', mime: 'text/html', data: source, rich: true };
  }
  const policy = `<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">`;
  return { kind: 'frame', page: policy + source };
}

/** A part of a figure without the addresses in it that a browser would load from. */
function local(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.some(part => part !== null && typeof part === 'object')
      ? value.map(local)
      : value;
  }
  if (!isRecord(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, part]) =>
          !(/^(source|style|sourceurl|url)$/.test(key) && loads(part))
      )
      .map(([key, part]) => [key, local(part)])
  );
}

function loads(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.some(loads);
  }
  if (isRecord(value)) {
    return 'sources' in value;
  }
  return (
    typeof value === 'string' &&
    (value.includes('//') || value.includes(':')) &&
    !value.startsWith('data:image/')
  );
}

/** A specification whose data are all in it. */
function withoutAddresses(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutAddresses);
  }
  if (!isRecord(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !/^(url|href|baseURL|usermeta)$/.test(key))
      .map(([key, part]) => [key, withoutAddresses(part)])
  );
}

/** Text as a terminal shows it: what a carriage return goes back over is written anew. */
function overwritten(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/^.*\r(?=[^\n])/gm, '');
}

function errorText(output: Record<string, unknown>): string {
  const { traceback, ename, evalue } = output;
  const lines = Array.isArray(traceback) ? traceback.map(String) : [];
  // A line of dashes, coloured mostly, is as wide as a terminal.
  const told = lines.filter(
    line => !/^m?-{20,}m*$/.test(line.replace(/[^A-Za-z-]/g, ''))
  );
  return told.join('\n') || `${ename}: ${evalue}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
