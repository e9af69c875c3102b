// Shows an error of a cell as Jupyter does, with buttons below that ask the panel about it.

import { ReactWidget } from '@jupyterlab/apputils';
import { MimeModel } from '@jupyterlab/rendermime';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import React from 'react';

import type { Explainer } from './explain';

/** Errors, in the form in which outputs hold them. */
export const ERROR_MIME = 'application/vnd.jupyter.error';

/** Tracebacks; every error has one. */
export const TRACEBACK_MIME = 'application/vnd.jupyter.stderr';

export class ErrorView extends Widget implements IRenderMime.IRenderer {
  /** `traceback` shows the traceback, and is disposed with the view. */
  constructor(
    private _traceback: IRenderMime.IRenderer,
    private _explainer: Pick<Explainer, 'isInCell' | 'askAt'>,
    trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-AnalystError');
    this._buttons = ReactWidget.create(
      <div
        className="jp-Analyst-buttons"
        role="group"
        aria-label={trans.__('Ask Analyst about this error')}
      >
        <button
          type="button"
          className="jp-Analyst-button"
          onClick={() => void this._explainer.askAt(this.node, 'explain')}
        >
          {trans.__('Explain')}
        </button>
        <button
          type="button"
          className="jp-Analyst-button"
          onClick={() => void this._explainer.askAt(this.node, 'fix')}
        >
          {trans.__('Fix')}
        </button>
      </div>
    );
    this._buttons.addClass('jp-Analyst-inNotebook');
    this._buttons.node.dataset.lmSuppressShortcuts = 'true';
    this._buttons.hide();
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(_traceback);
    layout.addWidget(this._buttons);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { trusted, metadata } = model;
    const data = { [TRACEBACK_MIME]: model.data[TRACEBACK_MIME] ?? '' };
    await this._traceback.renderModel(
      new MimeModel({ trusted, metadata, data })
    );
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // Other places, such as consoles, have no cell that could be put right.
    this._buttons.setHidden(!this._explainer.isInCell(this.node));
  }

  private _buttons: ReactWidget;
}
