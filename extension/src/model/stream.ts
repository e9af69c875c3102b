// A conversation's event stream: server-sent events over fetch, resumed where they ended.
// Not here: what the events mean (conversation.ts, reducer.ts).

import { ServerConnection } from '@jupyterlab/services';

import type { AnyEvent } from './events';

export type StreamState = 'connecting' | 'live' | 'lost' | 'gone' | 'refused';

const FIRST_WAIT = 300;
const LONGEST_WAIT = 15_000;

/** How long a stream may be silent, the server's heartbeat included, before it is dead. */
const SILENCE = 45_000;

/** One message of the `text/event-stream` format. */
export interface IMessage {
  id: string;
  data: string;
}

/** Cuts a stream of text into messages, wherever the chunks were cut. */
export class MessageParser {
  /** Take a chunk and return the messages that it completes. */
  push(chunk: string): IMessage[] {
    const lines = (this._rest + chunk).split('\n');
    this._rest = lines.pop() ?? '';
    const messages: IMessage[] = [];
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (this._data.length > 0) {
          messages.push({ id: this._id, data: this._data.join('\n') });
        }
        this._data = [];
      } else {
        this._field(line);
      }
    }
    return messages;
  }

  private _field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') {
      this._id = value;
    } else if (name === 'data') {
      this._data.push(value);
    }
  }

  private _rest = '';
  private _id = '';
  private _data: string[] = [];
}

export interface IStreamOptions {
  /** The address of the events after a number. */
  url: (after: number) => string;
  settings: ServerConnection.ISettings;
  onEvent: (event: AnyEvent, number: number) => void;
  onState: (state: StreamState) => void;
}

/** Reads events until it is closed; a lost connection is taken up at the last number. */
export class EventStream {
  constructor(private _options: IStreamOptions) {}

  /** Read until `close`, or until the server says that there is nothing to read. */
  async open(): Promise<void> {
    let wait = FIRST_WAIT;
    while (!this._closed) {
      const before = this._last;
      const end = await this._read().catch(() => 'lost' as const);
      if (this._closed) {
        return;
      }
      if (end === 'gone' || end === 'refused') {
        this._options.onState(end);
        return;
      }
      wait = this._last > before ? FIRST_WAIT : wait;
      this._options.onState('lost');
      await this._pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  /** End the stream. */
  close(): void {
    this._closed = true;
    this._abort?.abort();
    this._wake?.();
  }

  /** Try again at once when the connection is lost. */
  retry(): void {
    this._wake?.();
  }

  private async _read(): Promise<'lost' | 'gone' | 'refused'> {
    this._abort = new AbortController();
    const response = await ServerConnection.makeRequest(
      this._options.url(this._last),
      {
        headers: { Accept: 'text/event-stream' },
        cache: 'no-store',
        signal: this._abort.signal
      },
      this._options.settings
    );
    if (response.status === 404) {
      return 'gone';
    }
    if (response.status === 401 || response.status === 403) {
      return 'refused';
    }
    if (!response.ok || !response.body) {
      return 'lost';
    }
    this._options.onState('live');
    await this._consume(response.body.getReader());
    return 'lost';
  }

  private async _consume(
    reader: ReadableStreamDefaultReader<Uint8Array>
  ): Promise<void> {
    const decoder = new TextDecoder();
    const parser = new MessageParser();
    for (;;) {
      const silence = setTimeout(() => this._abort?.abort(), SILENCE);
      const { done, value } = await reader
        .read()
        .finally(() => clearTimeout(silence));
      if (done || this._closed) {
        return;
      }
      for (const message of parser.push(
        decoder.decode(value, { stream: true })
      )) {
        this._take(message);
      }
    }
  }

  private _take(message: IMessage): void {
    const number = Number(message.id);
    if (!(number > this._last)) {
      return;
    }
    this._last = number;
    let event: AnyEvent;
    try {
      event = JSON.parse(message.data);
    } catch {
      return;
    }
    if (event !== null && typeof event === 'object') {
      this._options.onEvent(event, number);
    }
  }

  private _pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds);
      this._wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private _last = 0;
  private _closed = false;
  private _abort: AbortController | null = null;
  private _wake: (() => void) | null = null;
}
