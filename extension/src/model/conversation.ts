// One conversation: its runs, built from the event stream, and what the user does in it.
// Views hear of changes at most once a frame, however many events came.
// Not here: the list of conversations (workspace.ts).

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { AnalystApi, IAsk, IDecision } from './api';
import type { AnyEvent } from './events';
import { advance } from './reducer';
import { EventStream, StreamState } from './stream';
import { emptyTranscript } from './transcript';
import type { IAsked, ITranscript } from './transcript';

/** Has a function called before the next frame; the default of a browser. */
export type Schedule = (draw: () => void) => void;

const nextFrame: Schedule = draw => {
  // A hidden page has no frames, and yet should not grow a backlog.
  if (document.hidden) {
    setTimeout(draw, 100);
  } else {
    requestAnimationFrame(draw);
  }
};

/** A question that was sent and whose run has not begun yet. */
export interface IPendingQuestion {
  question: string;
  context: IAsk['context'];
}

export class ConversationModel implements IDisposable {
  constructor(
    private _api: AnalystApi,
    readonly id: string,
    private _schedule: Schedule = nextFrame
  ) {
    this._stream = new EventStream({
      url: after => _api.eventsUrl(id, after),
      settings: _api.settings,
      onEvent: event => this.apply(event),
      onState: state => this._setState(state)
    });
  }

  /** Told at most once a frame. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Told when a run ends. */
  get finished(): ISignal<this, ITranscript> {
    return this._finished;
  }

  /** The runs in the order of their questions. */
  get runs(): readonly ITranscript[] {
    return this._runs;
  }

  get state(): StreamState {
    return this._state;
  }

  get pending(): IPendingQuestion | null {
    return this._pending;
  }

  /** What the server said when it refused the last thing that was asked of it. */
  get refusal(): string | null {
    return this._refusal;
  }

  get stopping(): boolean {
    return this._stopping;
  }

  /** Whether a run is going on, as far as is known here. */
  get busy(): boolean {
    return this._pending !== null || this.running !== null;
  }

  /** The run that has not ended. */
  get running(): ITranscript | null {
    const last = this._runs[this._runs.length - 1];
    return last && last.status === null ? last : null;
  }

  /** What waits for the user. */
  get waiting(): readonly IAsked[] {
    return this.running?.waiting ?? [];
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Begin to read the events. */
  open(): void {
    void this._stream.open();
  }

  dispose(): void {
    this._disposed = true;
    this._stream.close();
    Signal.clearData(this);
  }

  /** Take one event. */
  apply(event: AnyEvent): void {
    let run = this._byId.get(event.run_id);
    if (!run) {
      run = emptyTranscript(event.run_id);
      this._byId.set(event.run_id, run);
      this._runs.push(run);
      this._pending = null;
      this._stopping = false;
    }
    advance(run, event);
    if (event.type === 'run_finished') {
      this._stopping = false;
      this._finished.emit(run);
    }
    this._touch();
  }

  /** Ask; false when the server refused, and then `refusal` says why. */
  async ask(asked: IAsk): Promise<boolean> {
    const pending = { question: asked.question, context: asked.context };
    this._pending = pending;
    this._refusal = null;
    this._touch();
    const done = await this._try(async () => {
      const { run_id: runId } = await this._api.ask(this.id, asked);
      this._contexts.set(runId, asked.context);
    });
    if (!done && this._pending === pending) {
      this._pending = null;
      this._touch();
    }
    return done;
  }

  /** What went along with the question of a run, when it was asked here. */
  contextOf(runId: string): IAsk['context'] {
    return this._contexts.get(runId) ?? [];
  }

  async stop(): Promise<void> {
    if (this.busy) {
      this._stopping = true;
      this._touch();
      const done = await this._try(() => this._api.stop(this.id));
      this._stopping = done && this.busy;
      this._touch();
    }
  }

  /** Decide about a call; another front end may have been faster. */
  decide(callId: string, made: IDecision): Promise<boolean> {
    return this._try(() => this._api.decide(this.id, callId, made));
  }

  /** A new kernel and a fresh conversation with the model. */
  reset(): Promise<boolean> {
    return this._try(() => this._api.reset(this.id));
  }

  /** Take up a lost connection at once. */
  reconnect(): void {
    this._stream.retry();
  }

  dismissRefusal(): void {
    this._refusal = null;
    this._touch();
  }

  private async _try(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this._refusal = error instanceof Error ? error.message : String(error);
      this._touch();
      return false;
    }
  }

  private _setState(state: StreamState): void {
    this._state = state;
    this._touch();
  }

  private _touch(): void {
    if (!this._touched && !this._disposed) {
      this._touched = true;
      this._schedule(() => {
        this._touched = false;
        if (!this._disposed) {
          this._changed.emit();
        }
      });
    }
  }

  private _stream: EventStream;
  private _runs: ITranscript[] = [];
  private _byId = new Map<string, ITranscript>();
  private _contexts = new Map<string, IAsk['context']>();
  private _state: StreamState = 'connecting';
  private _pending: IPendingQuestion | null = null;
  private _refusal: string | null = null;
  private _stopping = false;
  private _touched = false;
  private _disposed = false;
  private _changed = new Signal<this, void>(this);
  private _finished = new Signal<this, ITranscript>(this);
}
