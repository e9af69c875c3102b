// Where links of a model's text may lead: to the web and to mail, in a page of their own.

const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** The address as a browser reads it, if a link may lead there; else null. */
export function safeAddress(address: string): string | null {
  let url: URL;
  try {
    // Without a base: an address relative to Lab's own is none.
    url = new URL(address.trim());
  } catch {
    return null;
  }
  return SCHEMES.has(url.protocol) ? url.href : null;
}

/** Whether an address is of another machine. */
export function isRemote(address: string): boolean {
  return /^\s*(https?:)?\/\//i.test(address);
}

/**
 * Follow a click on a link in rendered content by our rules, whatever the link says of itself.
 * Typesetters and renderers make links of their own, after sanitizing.
 */
export function onLinkClick(event: MouseEvent): void {
  const target = event.target;
  const link = target instanceof Element ? target.closest('a') : null;
  if (!link) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const address = safeAddress(link.getAttribute('href') ?? '');
  if (address !== null) {
    window.open(address, '_blank', 'noopener,noreferrer');
  }
}
