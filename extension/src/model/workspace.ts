// What the panel as a whole is about: which conversations there are, which one is shown,
// which tab, and whether a model is there to ask. Not here: one conversation's events.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type {
  CellPlace,
  IContextItem,
  IContextProvider,
  ICellActions
} from '../tokens';
import { AnalystApi, ApiError, IConversationInfo, IStatus } from './api';
import { ConversationModel } from './conversation';

export type Tab = 'conversation' | 'findings' | 'runs' | 'setup';
export type { CellPlace };

/** What the composer holds; kept apart, so that it survives a change of tabs. */
export interface IDraftQuestion {
  text: string;
  context: IContextItem[];
}

export class Workspace implements IDisposable {
  constructor(readonly api: AnalystApi) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Told when something was put into the composer. */
  get draftPut(): ISignal<this, IDraftQuestion> {
    return this._draftPut;
  }

  /** Told when the input should take the cursor. */
  get focusRequested(): ISignal<this, void> {
    return this._focusRequested;
  }

  get status(): IStatus | null {
    return this._status;
  }

  /** Why the server could not be asked for its status. */
  get failure(): string | null {
    return this._failure;
  }

  get conversations(): readonly IConversationInfo[] {
    return this._conversations;
  }

  get current(): ConversationModel | null {
    return this._current;
  }

  get tab(): Tab {
    return this._tab;
  }

  get openFinding(): number | null {
    return this._openFinding;
  }

  get draft(): IDraftQuestion {
    return this._draft;
  }

  get providers(): readonly IContextProvider[] {
    return this._providers;
  }

  get cells(): ICellActions | null {
    return this._cells;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** The notebook that new conversations are about. */
  notebook: string | null = null;

  dispose(): void {
    this._disposed = true;
    this._current?.dispose();
    Signal.clearData(this);
  }

  /** Ask the server how things are, and open `preferred` or else the newest conversation. */
  async start(preferred: string | null): Promise<void> {
    await Promise.all([this.refreshStatus(), this.refreshConversations()]);
    const ids = this._conversations.map(one => one.id);
    const id = preferred && ids.includes(preferred) ? preferred : ids[0];
    if (id && !this._chosen) {
      this.select(id);
    }
    if (this._status && !isUsable(this._status)) {
      this.show('setup');
    }
  }

  async refreshStatus(): Promise<void> {
    try {
      this._status = await this.api.status();
      this._failure = null;
    } catch (error) {
      this._failure = error instanceof Error ? error.message : String(error);
    }
    this._changed.emit();
  }

  async refreshConversations(): Promise<void> {
    const found = await this.api.conversations().catch(() => null);
    if (found) {
      this._conversations = found.conversations;
      this._changed.emit();
    }
  }

  show(tab: Tab): void {
    this._tab = tab;
    this._changed.emit();
  }

  showFinding(number: number | null): void {
    this._openFinding = number;
    this.show('findings');
  }

  /** Show the conversation `id`. */
  select(id: string): void {
    this._chosen = true;
    if (this._current?.id !== id) {
      this._current?.dispose();
      this._current = new ConversationModel(this.api, id);
      this._current.finished.connect(() => void this.refreshConversations());
      this._current.open();
    }
    this.show('conversation');
  }

  /** Leave the conversation that is shown; the next question begins another. */
  startAnew(): void {
    this._chosen = true;
    this._current?.dispose();
    this._current = null;
    this.show('conversation');
    this.focusInput();
  }

  async rename(id: string, title: string): Promise<void> {
    await this.api.rename(id, title);
    await this.refreshConversations();
  }

  async remove(id: string): Promise<void> {
    await this.api.remove(id).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) {
        throw error;
      }
    });
    if (this._current?.id === id) {
      this.startAnew();
    }
    await this.refreshConversations();
  }

  /** Ask in the conversation that is shown, or in a new one. */
  async ask(
    question: string,
    context: readonly IContextItem[],
    overrides: Record<string, unknown>
  ): Promise<boolean> {
    if (!this._current) {
      this._chosen = true;
      const { id } = await this.api.createConversation(this.notebook);
      this.select(id);
    }
    const asked = this._current?.ask({
      question,
      context: context.map(item => item.reference),
      overrides
    });
    return (await asked) ?? false;
  }

  /** Remember what the composer holds. */
  keepDraft(draft: IDraftQuestion): void {
    this._draft = draft;
  }

  /** Put something into the composer, for the user to send. */
  putDraft(draft: IDraftQuestion): void {
    this._draft = draft;
    this._draftPut.emit(draft);
    this.show('conversation');
    this.focusInput();
  }

  focusInput(): void {
    this._focusRequested.emit();
  }

  addProvider(provider: IContextProvider): void {
    this._providers = [...this._providers, provider];
    this._changed.emit();
  }

  setCells(cells: ICellActions): void {
    this._cells = cells;
    this._changed.emit();
  }

  private _status: IStatus | null = null;
  private _failure: string | null = null;
  private _conversations: IConversationInfo[] = [];
  private _current: ConversationModel | null = null;
  /** Whether the user has chosen by now what is shown. */
  private _chosen = false;
  private _tab: Tab = 'conversation';
  private _openFinding: number | null = null;
  private _draft: IDraftQuestion = { text: '', context: [] };
  private _providers: IContextProvider[] = [];
  private _cells: ICellActions | null = null;
  private _disposed = false;
  private _changed = new Signal<this, void>(this);
  private _draftPut = new Signal<this, IDraftQuestion>(this);
  private _focusRequested = new Signal<this, void>(this);
}

/** Whether a question could be answered. */
export function isUsable(status: IStatus): boolean {
  return status.missing.length === 0;
}
