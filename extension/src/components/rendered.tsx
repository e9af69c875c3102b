// Content drawn by one of Jupyter's renderers, attached so that it can measure itself.
// One renderer serves for as long as the content is of one type, also while it grows.
// Not here: which type is drawn (rendering/forms.ts).

import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import React, { memo, useEffect, useLayoutEffect, useRef } from 'react';

import { onLinkClick } from '../rendering/links';
import { fenced, linkCitations, literalDollars } from '../rendering/markdown';
import { Renderers } from '../rendering/renderers';
import { htmlSign, marked } from '../rendering/ungrounded';
import { IPanelServices, usePanel } from './context';

/** The least time between two drawings of content that grows, in milliseconds. */
const PACE = 8;

/** A renderer in the page, and what it is to show next. */
class Drawing {
  constructor(
    private _renderers: Renderers,
    private _mime: string,
    private _host: HTMLElement,
    private _afterwards: (node: HTMLElement) => void
  ) {
    this._widget = _renderers.create(_mime);
    Widget.attach(this._widget, _host);
    this._observer = new ResizeObserver(() => this._fit());
    this._observer.observe(_host);
  }

  /** Show `data`, soon; of what comes faster than it can be drawn, only the last. */
  show(data: unknown): void {
    this._next = { data };
    if (!this._drawing) {
      this._drawing = true;
      void this._draw();
    }
  }

  dispose(): void {
    this._disposed = true;
    this._observer.disconnect();
    cancelAnimationFrame(this._frame);
    if (this._widget.isAttached) {
      Widget.detach(this._widget);
    }
    this._widget.dispose();
  }

  private async _draw(): Promise<void> {
    while (this._next && !this._disposed) {
      const { data } = this._next;
      this._next = null;
      const begun = performance.now();
      try {
        const model = this._renderers.model(this._mime, data);
        await this._widget.renderModel(model);
        if (!this._disposed) {
          this._afterwards(this._widget.node);
        }
      } catch (error) {
        console.warn('An output cannot be shown.', error);
      }
      // What takes long to draw is drawn less often.
      const wait = Math.max(PACE, performance.now() - begun);
      if (!this._disposed) {
        await new Promise(resolve => setTimeout(resolve, wait));
      }
    }
    this._drawing = false;
  }

  private _fit(): void {
    const width = this._host.clientWidth;
    if (width === 0 || width === this._width) {
      return;
    }
    this._width = width;
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => {
      if (this._widget.isAttached) {
        MessageLoop.sendMessage(this._widget, Widget.ResizeMessage.UnknownSize);
      }
    });
  }

  private _widget: IRenderMime.IRenderer;
  private _observer: ResizeObserver;
  private _next: { data: unknown } | null = null;
  private _drawing = false;
  private _disposed = false;
  private _frame = 0;
  private _width = 0;
}

interface IRenderedProps {
  mime: string;
  data: unknown;
  className?: string;
}

export const Rendered = memo(function Rendered(
  props: IRenderedProps
): JSX.Element {
  const { mime, data, className } = props;
  const services = usePanel();
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);

  // A layout effect: it ends while the node is still in the page, as a widget needs it.
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const made = new Drawing(services.renderers, mime, node, drawn =>
      cite(drawn, services)
    );
    drawing.current = made;
    node.addEventListener('click', onLinkClick, true);
    node.addEventListener('auxclick', onLinkClick, true);
    return () => {
      node.removeEventListener('click', onLinkClick, true);
      node.removeEventListener('auxclick', onLinkClick, true);
      drawing.current = null;
      made.dispose();
    };
  }, [services, mime]);

  useEffect(() => {
    drawing.current?.show(data);
  }, [services, mime, data]);

  return (
    <div ref={host} className={`jp-Analyst-rendered ${className ?? ''}`} />
  );
});

function cite(node: HTMLElement, services: IPanelServices): void {
  const { workspace, trans } = services;
  linkCitations(
    node,
    number => workspace.showFinding(number),
    number => trans.__('Finding %1', number)
  );
}

/** A model's Markdown; numbers of it that are `ungrounded` are marked. */
export function Markdown(props: {
  text: string;
  ungrounded?: readonly string[];
}): JSX.Element {
  const { text, ungrounded } = props;
  const { trans } = usePanel();
  const sign = htmlSign(trans.__('stands in no output').replace(/["<>&]/g, ''));
  return (
    <Rendered
      mime="text/markdown"
      data={marked(literalDollars(text), ungrounded ?? [], sign)}
      className="jp-Analyst-markdown"
    />
  );
}

/** Code, highlighted. */
export function Code(props: { code: string; language: string }): JSX.Element {
  return (
    <Rendered
      mime="text/markdown"
      data={fenced(props.code, props.language)}
      className="jp-Analyst-code"
    />
  );
}
