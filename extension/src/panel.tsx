// The panel as a widget of Jupyter's, and what other plugins can do with it.

import { ReactWidget } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import React from 'react';

import { IPanelServices, ServicesProvider } from './components/context';
import { Tabs } from './components/tabs';
import { analystIcon } from './components/icons';
import type {
  IAnalystPanel,
  IContextProvider,
  ICellActions,
  IQuestion
} from './tokens';

export class AnalystWidget extends ReactWidget {
  constructor(
    private _services: IPanelServices,
    private _onFirstShown: () => void
  ) {
    super();
    const { trans } = _services;
    this.id = 'jupyter-analyst';
    this.addClass('jp-Analyst');
    this.title.icon = analystIcon;
    this.title.caption = trans.__('Analyst: ask about your data');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Analyst'));
  }

  protected render(): JSX.Element {
    return (
      <ServicesProvider services={this._services}>
        <Tabs />
      </ServicesProvider>
    );
  }

  /** Until it is seen, the panel asks nothing of the server. */
  protected override onAfterShow(_: Message): void {
    if (!this._wasShown) {
      this._wasShown = true;
      this._onFirstShown();
    }
  }

  protected override onActivateRequest(_: Message): void {
    this._services.workspace.focusInput();
  }

  private _wasShown = false;
}

/** The panel, for other plugins. */
export class AnalystPanel implements IAnalystPanel {
  constructor(
    private _services: IPanelServices,
    private _show: () => void
  ) {}

  open(): void {
    this._show();
  }

  async ask(question: IQuestion): Promise<void> {
    const { workspace, settings } = this._services;
    const context = question.context ?? [];
    this._show();
    if (question.draft || workspace.current?.busy) {
      workspace.putDraft({ text: question.question, context });
      return;
    }
    workspace.show('conversation');
    await workspace.ask(question.question, context, settings.overrides);
  }

  addContextProvider(provider: IContextProvider): void {
    this._services.workspace.addProvider(provider);
  }

  setCellActions(actions: ICellActions): void {
    this._services.workspace.setCells(actions);
  }

  setNotebook(path: string | null): void {
    this._services.workspace.notebook = path;
  }

  get conversation(): string | null {
    return this._services.workspace.current?.id ?? null;
  }
}
