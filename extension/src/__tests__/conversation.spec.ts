import { moneyText } from '../components/usage';
import { AnalystApi, ApiError } from '../model/api';
import { ConversationModel } from '../model/conversation';
import type { AnyEvent } from '../model/events';

function event(type: string, runId: string, fields: object = {}): AnyEvent {
  return { type, run_id: runId, seq: 0, t: 1, ...fields } as AnyEvent;
}

function made(api: Partial<AnalystApi> = {}) {
  const frames: (() => void)[] = [];
  const conversation = new ConversationModel(
    { eventsUrl: () => '', ...api } as AnalystApi,
    'c',
    draw => frames.push(draw)
  );
  let changes = 0;
  conversation.changed.connect(() => {
    changes += 1;
  });
  const frame = () => frames.splice(0).forEach(draw => draw());
  return { conversation, frame, changes: () => changes };
}

/** A conversation of `count` events, as one that was used for days. */
function long(count: number): AnyEvent[] {
  const events: AnyEvent[] = [];
  for (let run = 0; events.length < count; run += 1) {
    const id = `run-${run}`;
    events.push(event('run_started', id, { question: `Question ${run}` }));
    for (let call = 0; call < 5; call += 1) {
      const callId = `${id}-${call}`;
      for (let delta = 0; delta < 40; delta += 1) {
        events.push(
          event('message_delta', id, { request: call, text: 'some words ' })
        );
      }
      events.push(
        event('tool_call_started', id, {
          call_id: callId,
          tool: 'python',
          raw: '',
          arguments: { code: 'print(1)' }
        }),
        event('output', id, {
          call_id: callId,
          output: { output_type: 'stream', name: 'stdout', text: '1\n' }
        }),
        event('tool_call_finished', id, {
          call_id: callId,
          status: 'ok',
          observation: '1',
          seconds: 0.1
        })
      );
    }
    events.push(
      event('answer', id, { text: 'Done.' }),
      event('run_finished', id, { status: 'ok', seconds: 3 })
    );
  }
  return events;
}

describe('ConversationModel', () => {
  it('tells its views of many events once a frame', () => {
    const { conversation, frame, changes } = made();
    long(1000).forEach(one => conversation.apply(one));
    expect(changes()).toBe(0);
    frame();
    expect(changes()).toBe(1);
    conversation.dispose();
  });

  it('takes 10,000 events in a fraction of a second', () => {
    const { conversation } = made();
    const events = long(10_000);
    const begun = performance.now();
    events.forEach(one => conversation.apply(one));
    expect(performance.now() - begun).toBeLessThan(500);
    expect(conversation.runs.length).toBeGreaterThan(40);
    expect(conversation.busy).toBe(false);
  });

  it('knows a run that goes on, and its calls that wait', () => {
    const { conversation } = made();
    conversation.apply(event('run_started', 'r', { question: 'q' }));
    conversation.apply(
      event('tool_call_started', 'r', {
        call_id: 'a',
        tool: 'python',
        raw: '',
        arguments: { code: 'x' }
      })
    );
    conversation.apply(
      event('approval_requested', 'r', { call_id: 'a', risk: 'writes' })
    );
    expect(conversation.busy).toBe(true);
    expect(conversation.waiting.map(step => step.callId)).toEqual(['a']);
    conversation.apply(
      event('approval_resolved', 'r', {
        call_id: 'a',
        decision: 'approved',
        by: 'user'
      })
    );
    expect(conversation.waiting).toEqual([]);
  });

  it('shows a question until its run begins, and what went along after', async () => {
    let begin: (value: { run_id: string }) => void = () => undefined;
    const { conversation } = made({
      ask: () => new Promise(resolve => (begin = resolve))
    });
    const context = [{ kind: 'file' as const, path: 'a.csv' }];
    const asked = conversation.ask({ question: 'Why?', context });
    expect(conversation.pending).toEqual({ question: 'Why?', context });
    conversation.apply(event('run_started', 'r', { question: 'Why?' }));
    expect(conversation.pending).toBeNull();
    begin({ run_id: 'r' });
    expect(await asked).toBe(true);
    expect(conversation.contextOf('r')).toEqual(context);
  });

  it('tells why a question was refused, and is not busy with it', async () => {
    const { conversation } = made({
      ask: () => Promise.reject(new ApiError(409, 'A run is going on.'))
    });
    expect(await conversation.ask({ question: 'q', context: [] })).toBe(false);
    expect(conversation.refusal).toBe('A run is going on.');
    expect(conversation.busy).toBe(false);
  });

  it('is stopping until the run has ended', async () => {
    const { conversation } = made({ stop: () => Promise.resolve() });
    conversation.apply(event('run_started', 'r', { question: 'q' }));
    await conversation.stop();
    expect(conversation.stopping).toBe(true);
    conversation.apply(
      event('run_finished', 'r', { status: 'stopped', seconds: 1 })
    );
    expect(conversation.stopping).toBe(false);
  });
});

describe('moneyText', () => {
  it.each([
    [0.00123, '0.0012'],
    [0.5, '0.5'],
    [12.345, '12.35']
  ])('writes %d', (amount, text) => {
    expect(moneyText(amount)).toBe(text);
  });
});
