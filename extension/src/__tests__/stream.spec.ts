import { ServerConnection } from '@jupyterlab/services';

import type { AnyEvent } from '../model/events';
import { EventStream, MessageParser, StreamState } from '../model/stream';

const TEXT =
  ': here\n\nid: 1\ndata: {"a":1}\n\n: still here\n\nid: 2\r\ndata: {"b":\r\ndata: 2}\r\n\r\n';

describe('MessageParser', () => {
  it('finds the same messages wherever the chunks are cut', () => {
    for (let size = 1; size <= TEXT.length; size += 1) {
      const parser = new MessageParser();
      const found = [];
      for (let at = 0; at < TEXT.length; at += size) {
        found.push(...parser.push(TEXT.slice(at, at + size)));
      }
      expect(found).toEqual([
        { id: '1', data: '{"a":1}' },
        { id: '2', data: '{"b":\n2}' }
      ]);
    }
  });

  it('says nothing of heartbeats and of half a message', () => {
    const parser = new MessageParser();
    expect(parser.push(': still here\n\nid: 7\ndata: {}\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([{ id: '7', data: '{}' }]);
  });
});

/** A body that sends its chunks and then ends, or waits until it is aborted. */
function body(chunks: (string | Uint8Array)[], ends: boolean): unknown {
  const encoder = new TextEncoder();
  const left = chunks.map(one =>
    typeof one === 'string' ? encoder.encode(one) : one
  );
  return {
    getReader: () => ({
      read: async () => {
        const value = left.shift();
        if (value) {
          return { done: false, value };
        }
        return ends ? { done: true } : new Promise(() => undefined);
      }
    })
  };
}

function message(number: number): string {
  return `id: ${number}\ndata: {"type":"message_delta","request":0,"text":"${number}"}\n\n`;
}

interface IAnswer {
  status?: number;
  chunks?: (string | Uint8Array)[];
  ends?: boolean;
  throws?: boolean;
}

/** A stream whose requests get these answers in turn. */
function streamOf(answers: IAnswer[]) {
  const asked: string[] = [];
  const numbers: number[] = [];
  const events: AnyEvent[] = [];
  const states: StreamState[] = [];
  const fetched = jest
    .spyOn(ServerConnection, 'makeRequest')
    .mockImplementation(async url => {
      asked.push(url);
      const answer = answers.shift() ?? { ends: false };
      if (answer.throws) {
        throw new TypeError('no network');
      }
      const status = answer.status ?? 200;
      return {
        status,
        ok: status < 400,
        body: body(answer.chunks ?? [], answer.ends ?? true)
      } as unknown as Response;
    });
  const stream = new EventStream({
    url: after => `events?after=${after}`,
    settings: {} as ServerConnection.ISettings,
    onEvent: (event, number) => {
      events.push(event);
      numbers.push(number);
    },
    onState: state => states.push(state)
  });
  return { stream, asked, numbers, events, states, fetched };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !holds(); tries += 1) {
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  expect(holds()).toBe(true);
}

describe('EventStream', () => {
  beforeEach(() => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => jest.restoreAllMocks());

  it('takes up a lost connection at the last number, and tells nothing twice', async () => {
    const { stream, asked, numbers, states } = streamOf([
      { chunks: [message(1), message(2)] },
      { chunks: [message(2), message(3)], ends: false }
    ]);
    const done = stream.open();
    await until(() => numbers.length === 3);
    expect(numbers).toEqual([1, 2, 3]);
    expect(asked).toEqual(['events?after=0', 'events?after=2']);
    expect(states).toEqual(['live', 'lost', 'live']);
    stream.close();
    void done;
  });

  it('goes on after the server could not be reached at all', async () => {
    const { stream, numbers, states } = streamOf([
      { throws: true },
      { status: 502 },
      { chunks: [message(5)], ends: false }
    ]);
    void stream.open();
    await until(() => states[0] === 'lost');
    stream.retry();
    await until(() => states.length === 2);
    stream.retry();
    await until(() => numbers.length === 1);
    expect(states).toEqual(['lost', 'lost', 'live']);
    stream.close();
  });

  it('ends when the conversation is gone, or the user is not logged in', async () => {
    const gone = streamOf([{ status: 404 }]);
    await gone.stream.open();
    expect(gone.states).toEqual(['gone']);
    jest.restoreAllMocks();
    const refused = streamOf([{ status: 403 }]);
    await refused.stream.open();
    expect(refused.states).toEqual(['refused']);
  });

  it('passes over what is no event', async () => {
    const { stream, events, numbers } = streamOf([
      {
        chunks: ['id: 1\ndata: {torn\n\nid: 2\ndata: null\n\n', message(3)],
        ends: false
      }
    ]);
    void stream.open();
    await until(() => events.length === 1);
    expect(numbers).toEqual([3]);
    stream.close();
  });

  it('joins characters that were cut between chunks', async () => {
    const bytes = new TextEncoder().encode(
      'id: 1\ndata: {"type":"answer","text":"Zürich €"}\n\n'
    );
    const { stream, events } = streamOf([
      { chunks: [...bytes].map(one => Uint8Array.of(one)), ends: false }
    ]);
    void stream.open();
    await until(() => events.length === 1);
    expect(events[0]).toEqual({ type: 'answer', text: 'Zürich €' });
    stream.close();
  });

  it('asks for nothing any more once it is closed', async () => {
    const { stream, asked, states } = streamOf([{ chunks: [message(1)] }]);
    const done = stream.open();
    await until(() => states.includes('lost'));
    stream.close();
    await done;
    expect(asked).toHaveLength(1);
  });
});
