import type { AnyEvent } from '../model/events';
import { advance } from '../model/reducer';
import { draftOf, emptyTranscript } from '../model/transcript';
import type { IDraft, Item, ITranscript } from '../model/transcript';
import told from './told.json';

const CODES: Record<string, string> = {
  recalled: 'findings_recalled',
  saved: 'finding_saved',
  compacted: 'context_compacted'
};

function itemOf(item: Item): object {
  if (item.kind === 'remark') {
    return { code: item.code, text: item.text };
  }
  if (item.kind !== 'step') {
    return { code: CODES[item.kind] };
  }
  const { number, tool, code, language, prose } = item;
  const { status, seconds, risk, preview, decision, said } = item;
  const outputs = item.outputs.map(({ key, cut, output }) => ({
    key,
    cut,
    output: brief(output)
  }));
  return {
    ...{ number, tool, code, language, prose },
    ...{ outputs, status, seconds, risk, preview, decision, said },
    awaits_user: item.awaitsUser
  };
}

function brief(output: Record<string, unknown>): object {
  const { text } = output;
  return typeof text === 'string' && text.length > 100
    ? { ...output, text: `${text.slice(0, 3)}…${text.slice(-3)}` }
    : output;
}

function viewOf(run: ITranscript): object {
  const { question, streaming, answer, values, ungrounded, usage } = run;
  const { status, reason, seconds, cost } = run;
  return {
    ...{ question, streaming, answer, values, ungrounded, usage },
    ...{ status, reason, seconds, cost },
    waiting: run.waiting.map(({ callId, canAlways, ...asked }) => ({
      ...asked,
      call_id: callId,
      can_always: canAlways
    })),
    data: run.data.map(one => one.name),
    plan: run.plan.map(item => [item.text, item.status]),
    items: run.items.map(itemOf)
  };
}

describe('advance', () => {
  const events = told.events as AnyEvent[];

  it.each(Object.entries(told.views))(
    'comes to what the Python reducer comes to, after %s events',
    (count, view) => {
      const run = emptyTranscript('r');
      events.slice(0, Number(count)).forEach(event => advance(run, event));
      expect(viewOf(run)).toEqual(view);
    }
  );

  it('tells by its version that something changed', () => {
    const run = emptyTranscript('r');
    const versions = events.map(event => {
      advance(run, event);
      return run.version;
    });
    expect(versions).toEqual(events.map((_, at) => at + 1));
  });

  it('knows which items came after the answer', () => {
    const run = emptyTranscript('r');
    events.forEach(event => advance(run, event));
    const late = run.items.slice(run.answeredAt).map(item => item.kind);
    expect(late).toEqual(['saved']);
  });

  it('bears an event that it does not know', () => {
    const run = emptyTranscript('r');
    advance(run, { type: 'of_tomorrow', t: 1 } as unknown as AnyEvent);
    expect(run.items).toEqual([]);
  });
});

describe('draftOf', () => {
  it.each(Object.entries(told.drafts as Record<string, IDraft>))(
    '%j',
    (text, draft) => {
      expect(draftOf(text)).toEqual(draft);
    }
  );
});
