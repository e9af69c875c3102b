// What is left of HTML that comes from a model or from data: text, structure, safe links.
// Works on a parsed copy that belongs to no page, so that nothing in it is ever loaded.
// Not here: the choice of what is shown as HTML at all (forms.ts).

import { Sanitizer } from '@jupyterlab/apputils';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { isRemote, safeAddress } from './links';
import { LITERAL_CLASS } from './markdown';
import { UNGROUNDED_CLASS } from './ungrounded';

/** Elements that act, load or frame; they go with all that is in them. */
const REMOVED = [
  'script, style, link, meta, base, iframe, frame, frameset, object, embed',
  'applet, form, input, button, select, textarea, option, dialog, template',
  'svg, math, audio, video, source, track, picture, map, area, canvas, portal'
].join(', ');

/** Attributes that are kept; links and images are treated apart. */
const KEPT = new Set([
  'align',
  'alt',
  'border',
  'colspan',
  'dir',
  'height',
  'lang',
  'open',
  'rowspan',
  'scope',
  'span',
  'start',
  'title',
  'width'
]);

/** Images that are data are shown; an SVG in an image runs no script and loads nothing. */
const IMAGE_DATA = /^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i;

/** A sanitizer that lets nothing be loaded, and no link lead anywhere but to the web. */
export class PanelSanitizer implements IRenderMime.ISanitizer {
  constructor(private _tellImage: (address: string) => string) {}

  readonly allowNamedProperties = false;

  sanitize(dirty: string): string {
    // Lab's own sanitizer first: it knows the oddities of malformed HTML.
    const html = this._lab.sanitize(dirty);
    const page = new DOMParser().parseFromString(html, 'text/html');
    page.querySelectorAll(REMOVED).forEach(element => element.remove());
    page.querySelectorAll('img').forEach(image => this._image(image, page));
    page.body.querySelectorAll('*').forEach(element => clean(element));
    return page.body.innerHTML;
  }

  /** An image from elsewhere would tell its host whatever is in the address. */
  private _image(image: HTMLImageElement, page: Document): void {
    const address = image.getAttribute('src') ?? '';
    if (IMAGE_DATA.test(address)) {
      return;
    }
    const words = image.getAttribute('alt') || this._tellImage(address);
    if (!isRemote(address)) {
      image.replaceWith(page.createTextNode(words));
      return;
    }
    const link = page.createElement('a');
    link.setAttribute('href', address);
    link.textContent = words;
    image.replaceWith(link);
  }

  private _lab = new Sanitizer();
}

/** Classes that highlight code, mark a number, or keep a dollar sign; no looks of Lab's. */
function keptClass(element: Element): string | null {
  const name = element.getAttribute('class');
  if (name === null) {
    return null;
  }
  if (name === UNGROUNDED_CLASS) {
    return name;
  }
  const harmless = name === LITERAL_CLASS || element.closest('pre') !== null;
  return harmless && !name.includes('jp-') && !name.includes('lm-')
    ? name
    : null;
}

function clean(element: Element): void {
  const className = keptClass(element);
  const href = element.localName === 'a' ? element.getAttribute('href') : null;
  const source =
    element.localName === 'img' ? element.getAttribute('src') : null;
  for (const { name } of [...element.attributes]) {
    if (!KEPT.has(name)) {
      element.removeAttribute(name);
    }
  }
  if (className !== null) {
    element.setAttribute('class', className);
  }
  if (source !== null) {
    element.setAttribute('src', source);
  }
  const address = href === null ? null : safeAddress(href);
  if (address !== null) {
    element.setAttribute('href', address);
    element.setAttribute('target', '_blank');
    element.setAttribute('rel', 'noopener noreferrer nofollow');
    // Says the same as noreferrer, and Jupyter's renderers leave it alone.
    element.setAttribute('referrerpolicy', 'no-referrer');
  }
}
