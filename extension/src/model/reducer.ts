// From events to the view model: what each event changes in what a run looks like.
// The same rules as analyst/frontends/reducer.py, in place and in constant time an event.

import type { AnyEvent, ModelResponded, ToolCallStarted } from './events';
import { emit, updateDisplay } from './outputs';
import { draftOf } from './transcript';
import type {
  IStep,
  ITranscript,
  Item,
  Language,
  PlanStatus
} from './transcript';

/** Notes after which the text that was streamed counts no more. */
const VOIDS_REPLY = new Set([
  'request_retried',
  'malformed_action',
  'not_computed',
  'not_grounded'
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
      return setPlanStatus(run, event.index, 'running');
    case 'plan_step_finished':
      return setPlanStatus(run, event.index, event.status);
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
      return callStarted(run, event);
    case 'output':
      return event.update && event.display_id
        ? updateDisplay(run.steps, event)
        : changeStep(run, event.call_id, step => emit(step, event));
    case 'tool_call_finished':
      return changeStep(run, event.call_id, step => {
        step.status = event.status;
        step.observation = event.observation;
        step.seconds = event.seconds;
      });
    case 'approval_requested':
      return changeStep(run, event.call_id, step => {
        step.risk = event.risk;
        step.code = changedCode(event.arguments) ?? step.code;
        if (event.preview && step.language === 'json') {
          // What would change tells more than the arguments that it comes from.
          step.code = event.preview;
          step.language = 'diff';
        }
      });
    case 'approval_resolved':
      return changeStep(run, event.call_id, step => {
        step.decision = event.decision;
        step.decidedBy = event.by;
        step.code = changedCode(event.arguments) ?? step.code;
      });
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
      run.complete = event.complete ?? true;
      run.streaming = '';
      return;
    case 'run_finished':
      run.status = event.status;
      run.reason = event.reason ?? null;
      run.usage = event.usage ?? run.usage;
      run.seconds = event.seconds;
      run.cost = event.cost ?? null;
      run.streaming = '';
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
    text => known.get(text) ?? { text, status: 'waiting' as const }
  );
  run.planReason = reason;
}

function setPlanStatus(
  run: ITranscript,
  index: number,
  status: PlanStatus
): void {
  run.plan = run.plan.map((item, at) =>
    at === index ? { ...item, status } : item
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

function callStarted(run: ITranscript, event: ToolCallStarted): void {
  const [code, language] = codeOf(event.arguments ?? {});
  const step: IStep = {
    kind: 'step',
    key: key(run),
    number: run.steps.length + 1,
    callId: event.call_id,
    tool: event.tool,
    code,
    language,
    prose: prose(run.streaming, event.raw, code),
    outputs: [],
    emitted: 0,
    status: null,
    observation: '',
    seconds: null,
    risk: null,
    decision: null,
    decidedBy: null,
    version: 0
  };
  run.steps.push(step);
  run.streaming = '';
  add(run, step);
}

function codeOf(given: Record<string, unknown>): [string, Language] {
  if (typeof given.code === 'string') {
    return [given.code, 'python'];
  }
  const query = given.query ?? given.sql;
  if (typeof query === 'string') {
    return [query, 'sql'];
  }
  return [JSON.stringify(given, null, 2), 'json'];
}

function changedCode(given: Record<string, unknown> | null): string | null {
  return typeof given?.code === 'string' && given.code ? given.code : null;
}

/** What a reply says besides its call. */
function prose(reply: string, raw: string, code: string): string {
  if (reply.includes('```')) {
    return draftOf(reply).prose;
  }
  if (reply.trim() === raw.trim()) {
    return '';
  }
  return (code ? reply.split(code).join('') : reply).trim();
}

/** Find a call from the end: it is nearly always the last. */
function changeStep(
  run: ITranscript,
  callId: string,
  change: (step: IStep) => void
): void {
  for (let at = run.steps.length - 1; at >= 0; at -= 1) {
    const step = run.steps[at];
    if (step.callId === callId) {
      change(step);
      step.version += 1;
      return;
    }
  }
}
