// What events change in the steps of a run, and in what waits for the user.
// The same rules as analyst/frontends/reducer_steps.py.

import type {
  ApprovalRequested,
  ApprovalResolved,
  OutputEmitted,
  ToolCallFinished,
  ToolCallStarted
} from './events';
import { emit, updateDisplay } from './outputs';
import { draftOf } from './transcript';
import type { IAsked, IStep, ITranscript, Language } from './transcript';

/** Begin a step. */
export function callStarted(run: ITranscript, event: ToolCallStarted): void {
  const [code, language] = codeOf(event.arguments ?? {});
  const step: IStep = {
    kind: 'step',
    key: `${run.runId}/${run.items.length}`,
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
    arguments: event.arguments ?? {},
    risk: null,
    preview: '',
    decision: null,
    decidedBy: null,
    said: null,
    awaitsUser: false,
    version: 0
  };
  run.steps.push(step);
  run.streaming = '';
  run.items.push(step);
}

/** Show an output of a step, or a display anew. */
export function output(run: ITranscript, event: OutputEmitted): void {
  if (event.update && event.display_id) {
    updateDisplay(run.steps, event);
  } else {
    changeStep(run, event.call_id, step => emit(step, event));
  }
}

/** End a step. */
export function callFinished(run: ITranscript, event: ToolCallFinished): void {
  forget(run, event.call_id);
  changeStep(run, event.call_id, step => {
    step.status = event.status;
    step.observation = event.observation;
    step.seconds = event.seconds;
    step.awaitsUser = false;
  });
}

/** Let a call, a plan or a question wait for the user. */
export function approvalRequested(
  run: ITranscript,
  event: ApprovalRequested
): void {
  const isCall = (event.kind ?? 'call') === 'call';
  const editable = event.editable ?? null;
  let tool = '';
  let shown = { text: editable ?? '', more: {} };
  changeStep(run, event.call_id, step => {
    rewrite(step, event.arguments);
    step.risk = isCall ? event.risk : step.risk;
    step.preview = event.preview ?? '';
    step.decision = null;
    step.awaitsUser = true;
    tool = step.tool;
    shown = isCall ? decided(step, editable) : shown;
  });
  forget(run, event.call_id);
  const asked: IAsked = {
    callId: event.call_id,
    kind: event.kind ?? 'call',
    tool,
    words: event.risk,
    ...shown,
    editable: editable !== null,
    preview: event.preview ?? '',
    choices: event.choices ?? [],
    canAlways: (event.can_always ?? true) && isCall
  };
  run.waiting = [...run.waiting, asked];
}

/** Take note of what was decided. */
export function approvalResolved(
  run: ITranscript,
  event: ApprovalResolved
): void {
  forget(run, event.call_id);
  changeStep(run, event.call_id, step => {
    rewrite(step, event.arguments);
    step.decision = event.decision;
    step.decidedBy = event.by;
    step.said = event.answer ?? null;
    step.awaitsUser = false;
  });
}

function forget(run: ITranscript, callId: string): void {
  if (run.waiting.length > 0) {
    run.waiting = run.waiting.filter(one => one.callId !== callId);
  }
}

/** The text of a call that is decided about, and its other arguments as text. */
function decided(
  step: IStep,
  editable: string | null
): { text: string; more: Record<string, string> } {
  const given = Object.entries(step.arguments);
  const main =
    (editable !== null && given.find(([, value]) => value === editable)?.[0]) ||
    mainOf(step.arguments);
  if (main === undefined) {
    return { text: step.code, more: {} };
  }
  const more = given
    .filter(([name]) => name !== main)
    .map(([name, value]) => [name, textOf(value)]);
  return { text: String(step.arguments[main]), more: Object.fromEntries(more) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Put what runs in the place of what the model wrote. */
function rewrite(step: IStep, given: Record<string, unknown> | null): void {
  if (given && Object.keys(given).length > 0) {
    [step.code, step.language] = codeOf(given);
    step.arguments = given;
  }
}

/** The argument that says what a call does. */
function mainOf(given: Record<string, unknown>): string | undefined {
  return ['code', 'query', 'sql'].find(key => typeof given[key] === 'string');
}

function codeOf(given: Record<string, unknown>): [string, Language] {
  const main = mainOf(given);
  return main === undefined
    ? [JSON.stringify(given, null, 2), 'json']
    : [given[main] as string, main === 'code' ? 'python' : 'sql'];
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
