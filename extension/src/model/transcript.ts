// What a run looks like: the view model, made from events by reducer.ts.
// The same parts as analyst/frontends/transcript.py. Unlike there, a transcript changes in
// place, since deltas come by thousands; `version` grows with each change, so that a view
// can tell in one comparison whether to draw again. Nothing here is cleaned or escaped.

import type {
  ApprovalRequested,
  ApprovalResolved,
  DataDescription,
  Note,
  PlanStepFinished,
  RecalledFinding,
  RunFinished,
  ToolCallFinished,
  Usage
} from './events';

export type CallStatus = ToolCallFinished['status'];
export type RunStatus = RunFinished['status'];
export type PlanStatus = 'waiting' | 'running' | PlanStepFinished['status'];
export type Language = 'python' | 'sql' | 'json';

/** A large value that is kept apart from its output, named by its content. */
export interface IBlobReference {
  in: string;
  key: string;
  kind: string;
  sha256: string;
}

/** One output of a step, of nbformat's shape. The key stays when a display is updated. */
export interface IShownOutput {
  readonly key: string;
  output: Record<string, unknown>;
  blobs: readonly IBlobReference[];
  displayId: string | null;
  /** Characters of a stream that came before `output` and are not kept. */
  cut: number;
}

/** What waits for the user: a call, a plan, or a question of the model's. */
export interface IAsked {
  readonly callId: string;
  readonly kind: ApprovalRequested['kind'];
  readonly tool: string;
  /** The risk, or the question. */
  readonly words: string;
  /** What exactly is decided about. */
  readonly text: string;
  readonly editable: boolean;
  /** The call's other arguments. */
  readonly more: Record<string, string>;
  /** What the call would change, as a diff. */
  readonly preview: string;
  readonly choices: readonly string[];
  readonly canAlways: boolean;
}

/** One call of a tool; `status` is null while it runs. */
export interface IStep {
  readonly kind: 'step';
  readonly key: string;
  readonly number: number;
  readonly callId: string;
  readonly tool: string;
  code: string;
  language: Language;
  arguments: Record<string, unknown>;
  readonly prose: string;
  outputs: IShownOutput[];
  emitted: number;
  status: CallStatus | null;
  observation: string;
  seconds: number | null;
  risk: string | null;
  preview: string;
  decision: ApprovalResolved['decision'] | null;
  decidedBy: ApprovalResolved['by'] | null;
  /** What the user answered to the call's question. */
  said: string | null;
  awaitsUser: boolean;
  version: number;
}

/** A note for the user, in its place between the steps. */
export interface IRemark {
  readonly kind: 'remark';
  readonly key: string;
  readonly level: Note['level'];
  readonly code: string;
  readonly text: string;
}

/** Past findings that matter for the question, in their place between the steps. */
export interface IRecalled {
  readonly kind: 'recalled';
  readonly key: string;
  readonly findings: readonly RecalledFinding[];
}

/** The number of the finding that the run left. */
export interface ISaved {
  readonly kind: 'saved';
  readonly key: string;
  readonly number: number;
}

/** Older messages gave way to a summary; sizes in tokens. */
export interface ICompacted {
  readonly kind: 'compacted';
  readonly key: string;
  readonly before: number;
  readonly after: number;
}

export type Item = IStep | IRemark | IRecalled | ISaved | ICompacted;

export interface IPlanItem {
  readonly text: string;
  readonly status: PlanStatus;
  /** Why it failed, was left out, or found nothing. */
  readonly reason: string;
}

/** A run so far. `status` is null until it has ended; times are in seconds. */
export interface ITranscript {
  version: number;
  readonly runId: string;
  started: boolean;
  startedAt: string;
  question: string;
  model: string;
  modelReason: string;
  isolation: string;
  notebook: string | null;
  data: readonly DataDescription[];
  items: Item[];
  steps: IStep[];
  plan: readonly IPlanItem[];
  planReason: string;
  waiting: readonly IAsked[];
  request: number | null;
  streaming: string;
  answer: string | null;
  /** How many items came before the answer. */
  answeredAt: number;
  complete: boolean;
  values: Record<string, unknown>;
  /** Numbers of the answer that stand in no output. */
  ungrounded: readonly string[];
  usage: Usage;
  /** Tokens of `usage` that checks of the answer took. */
  checkTokens: number;
  status: RunStatus | null;
  reason: string | null;
  seconds: number;
  cost: number | null;
}

export function emptyTranscript(runId: string): ITranscript {
  return {
    version: 0,
    runId,
    started: false,
    startedAt: '',
    question: '',
    model: '',
    modelReason: '',
    isolation: '',
    notebook: null,
    data: [],
    items: [],
    steps: [],
    plan: [],
    planReason: '',
    waiting: [],
    request: null,
    streaming: '',
    answer: null,
    answeredAt: 0,
    complete: true,
    values: {},
    ungrounded: [],
    usage: { input: 0, output: 0, cached: 0 },
    checkTokens: 0,
    status: null,
    reason: null,
    seconds: 0,
    cost: null
  };
}

/** A reply that is being generated, told apart as far as can be seen from its beginning. */
export interface IDraft {
  readonly prose: string;
  readonly code: string;
  readonly answer: string;
}

const FINAL = /^[ \t>#*_-]*final(?:[ _]answer)?[*_]*[ \t]*:[*_]*[ \t]*/im;

/** Part a reply at its first code fence, or at a line that begins the answer. */
export function draftOf(text: string): IDraft {
  const fence = text.indexOf('```');
  if (fence >= 0) {
    const after = text.slice(fence + 3);
    const line = after.indexOf('\n');
    const code = line < 0 ? '' : after.slice(line + 1).split('```', 1)[0];
    return { prose: text.slice(0, fence).trim(), code, answer: '' };
  }
  const match = FINAL.exec(text);
  if (match) {
    return {
      prose: text.slice(0, match.index).trim(),
      code: '',
      answer: text.slice(match.index + match[0].length).trim()
    };
  }
  return { prose: text.trim(), code: '', answer: '' };
}
