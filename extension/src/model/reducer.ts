// From events to the view model: what each event changes in what a run looks like.
// The same rules as analyst/frontends/reducer.py, in place and in constant time an event.
// Not here: what becomes of a step and of what waits for the user (steps.ts), and what a team's
// turns look like (team.ts).

import type { AnyEvent, ModelResponded } from './events';
import * as steps from './steps';
import * as team from './team';
import type { ITranscript, Item, PlanStatus } from './transcript';

/** Notes after which the text that was streamed counts no more. */
const VOIDS_REPLY = new Set([
  'request_retried',
  'malformed_action',
  'not_computed',
  'not_grounded',
  'second_agrees',
  'second_differs',
  'second_failed',
  'critic_agrees',
  'critic_fault',
  'critic_failed'
]);

/** Change `run` by `event`; an event that shows nothing changes only the time. */
export function advance(run: ITranscript, event: AnyEvent): void {
  run.seconds = Math.max(run.seconds, event.t);
  run.version += 1;
  switch (event.type) {
    case 'run_started':
      run.started = true;
      run.startedAt = event.started_at;
      run.question = event.question;
      run.model = event.model;
      run.modelReason = event.model_reason;
      run.notebook = event.notebook ?? null;
      return;
    case 'kernel_ready':
      run.isolation = event.isolation;
      return;
    case 'data_handed_over':
      run.data = event.data;
      return;
    case 'plan_proposed':
      return setPlan(run, event.steps, '');
    case 'plan_revised':
      return setPlan(run, event.steps, event.reason);
    case 'plan_step_started':
      return setPlanStatus(run, event.index, 'running', '');
    case 'plan_step_finished':
      return setPlanStatus(run, event.index, event.status, event.reason ?? '');
    case 'team_turn_started':
      return remark(run, 'info', event.type, team.turnStarted(event));
    case 'team_turn_finished':
      run.streaming = '';
      return remark(run, 'info', event.type, team.turnFinished(event));
    case 'team_finished':
      return remark(
        run,
        'info',
        event.type,
        `The team is done: ${event.reason}`
      );
    case 'prompt':
      run.request = event.request;
      run.streaming = '';
      return;
    case 'message_delta':
      run.streaming =
        event.request === run.request ? run.streaming + event.text : event.text;
      run.request = event.request;
      return;
    case 'model_responded':
      return responded(run, event);
    case 'tool_call_started':
      return steps.callStarted(run, event);
    case 'output':
      return steps.output(run, event);
    case 'tool_call_finished':
      return steps.callFinished(run, event);
    case 'approval_requested':
      return steps.approvalRequested(run, event);
    case 'approval_resolved':
      return steps.approvalResolved(run, event);
    case 'findings_recalled':
      if (event.findings.length > 0) {
        add(run, { kind: 'recalled', key: key(run), findings: event.findings });
      }
      return;
    case 'finding_saved':
      return add(run, { kind: 'saved', key: key(run), number: event.number });
    case 'note':
      if (VOIDS_REPLY.has(event.code)) {
        run.streaming = '';
      }
      return remark(run, event.level ?? 'info', event.code, event.text);
    case 'context_compacted':
      return add(run, {
        kind: 'compacted',
        key: key(run),
        before: event.tokens_before,
        after: event.tokens_after
      });
    case 'answer':
      run.answer = event.text;
      run.answeredAt = run.items.length;
      run.values = event.values ?? {};
      run.ungrounded = event.ungrounded ?? [];
      run.complete = event.complete ?? true;
      run.streaming = '';
      return;
    case 'run_finished':
      run.status = event.status;
      run.reason = event.reason ?? null;
      run.usage = event.usage ?? run.usage;
      run.checkTokens = Object.values(event.usage_by_check ?? {}).reduce(
        (sum, one) => sum + (one.input ?? 0) + (one.output ?? 0),
        0
      );
      run.seconds = event.seconds;
      run.cost = event.cost ?? null;
      run.streaming = '';
      run.waiting = [];
      return;
  }
}

function key(run: ITranscript): string {
  return `${run.runId}/${run.items.length}`;
}

function add(run: ITranscript, item: Item): void {
  run.items.push(item);
}

function remark(
  run: ITranscript,
  level: 'info' | 'warning' | 'error',
  code: string,
  text: string
): void {
  add(run, { kind: 'remark', key: key(run), level, code, text });
}

function setPlan(
  run: ITranscript,
  steps: readonly string[],
  reason: string
): void {
  const known = new Map(run.plan.map(item => [item.text, item]));
  run.plan = steps.map(
    text => known.get(text) ?? { text, status: 'waiting' as const, reason: '' }
  );
  run.planReason = reason;
}

function setPlanStatus(
  run: ITranscript,
  index: number,
  status: PlanStatus,
  reason: string
): void {
  run.plan = run.plan.map((item, at) =>
    at === index ? { ...item, status, reason } : item
  );
}

function responded(run: ITranscript, event: ModelResponded): void {
  const usage = event.usage ?? { input: 0, output: 0, cached: 0 };
  run.request = event.request;
  run.streaming = event.text;
  run.usage = {
    input: run.usage.input + usage.input,
    output: run.usage.output + usage.output,
    cached: run.usage.cached + usage.cached
  };
}
