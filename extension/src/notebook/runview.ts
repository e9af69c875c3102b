// Shows the live view of a `%%agent` cell: its HTML as Jupyter shows it, and a bar below.
// A view is live while its cell runs in this page; one from a file, or of a page that was
// loaded anew, says that it cannot reach the run. Not here: the bar itself (runbar.tsx).

import { ReactWidget } from '@jupyterlab/apputils';
import { MimeModel } from '@jupyterlab/rendermime';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Kernel } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';
import { Message } from '@lumino/messaging';
import React from 'react';

import { Folds } from './folds';
import { IRunBarProps, Reach, RunBar } from './runbar';
import { CellMessage, IRunControl, readControl, RUN_MIME } from './runcontrol';
import { RunLink } from './runlink';

const HTML = 'text/html';

/** The request that a live view belongs to. */
type Execution = Pick<Kernel.IFuture<never, never>, 'isDisposed' | 'done'>;

export interface IRunViewServices {
  /** The kernel of the document around a node. */
  kernelAt: (node: Node) => Kernel.IKernelConnection | null;
  link: (kernel: Kernel.IKernelConnection) => RunLink;
  trans: TranslationBundle;
}

export class RunView extends Widget implements IRenderMime.IRenderer {
  /** `html` shows the HTML, and is disposed with the view. */
  constructor(
    private _html: IRenderMime.IRenderer,
    private _services: IRunViewServices
  ) {
    super();
    this.addClass('jp-AnalystRun');
    this._folds = new Folds(_html.node);
    // What is typed here is neither for the notebook nor for Lab.
    this._bar.node.dataset.lmSuppressShortcuts = 'true';
    this._bar.hide();
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(_html);
    layout.addWidget(this._bar);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._run = readControl(model.data[RUN_MIME]);
    this._attend();
    this._draw();
    const source = model.data[HTML];
    const shown = JSON.stringify([source, model.trusted]);
    if (shown !== this._shown) {
      this._shown = shown;
      const { trusted, metadata } = model;
      const data = { [HTML]: source ?? '' };
      await this._html.renderModel(new MimeModel({ trusted, metadata, data }));
      this._folds.apply();
    }
  }

  override dispose(): void {
    this._link?.dispose();
    this._link = null;
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._attend();
    this._draw();
  }

  /** Take up what goes on: find the request of the cell, and speak to its kernel. */
  private _attend(): void {
    if (!this._run || !this.isAttached || this._execution) {
      return;
    }
    const execution = executionOf(this);
    const kernel = this._services.kernelAt(this.node);
    if (!execution || execution.isDisposed || !kernel) {
      this._reach = 'lost';
      return;
    }
    this._execution = execution;
    this._reach = 'unknown';
    const link = this._services.link(kernel);
    this._link = link;
    // At once, so that the cell does not ask about a call by itself.
    void link.open().then(linked => {
      if (this._link === link && this._reach === 'unknown') {
        this._reach = linked ? 'linked' : 'interrupt';
        this._draw();
      }
    });
    const end = () => {
      // A kernel that died has left its last words.
      this._run = null;
      this._draw();
    };
    void execution.done.then(end, end);
  }

  private async _say(message: CellMessage): Promise<void> {
    const said = await this._link?.say(message);
    if (!said && message.kind === 'stop') {
      await this._interrupt();
    }
  }

  private async _interrupt(): Promise<void> {
    await this._link?.kernel.interrupt();
  }

  private _draw(): void {
    if (this.isDisposed) {
      return;
    }
    this._bar.setHidden(!this._run);
    if (this._run) {
      this._bar.draw({
        run: this._run,
        reach: this._reach,
        trans: this._services.trans,
        onStop: () => void this._say({ kind: 'stop' }),
        onInterrupt: () => void this._interrupt(),
        onDecide: ({ callId }, made) =>
          void this._say({ kind: 'approval', call_id: callId, ...made })
      });
    }
  }

  private _bar = new Bar();
  private _folds: Folds;
  private _run: IRunControl | null = null;
  private _reach: Reach = 'lost';
  private _execution: Execution | null = null;
  private _link: RunLink | null = null;
  private _shown = '';
}

/** React's part of the view. */
class Bar extends ReactWidget {
  constructor() {
    super();
    this.addClass('jp-Analyst-inNotebook');
  }

  draw(props: IRunBarProps): void {
    this._props = props;
    this.update();
  }

  protected render(): JSX.Element | null {
    return this._props ? React.createElement(RunBar, this._props) : null;
  }

  private _props: IRunBarProps | null = null;
}

/** The request whose output a widget is, if that was made in this page and goes on. */
function executionOf(widget: Widget): Execution | null {
  for (let at = widget.parent; at; at = at.parent) {
    const { future } = at as { future?: Execution | null };
    if (future) {
      return future;
    }
  }
  return null;
}
