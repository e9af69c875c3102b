// The events of a run, as the server sends them.
// Made from events.schema.json by scripts/make-types.mjs (jlpm types): do not edit.
/* eslint-disable */

export type AnyEvent =
  | RunStarted
  | KernelReady
  | DataHandedOver
  | PlanProposed
  | PlanRevised
  | PlanStepStarted
  | PlanStepFinished
  | TeamTurnStarted
  | TeamTurnFinished
  | TeamFinished
  | Prompt
  | MessageDelta
  | ModelResponded
  | ToolCallStarted
  | PermissionDecided
  | ApprovalRequested
  | ApprovalResolved
  | OutputEmitted
  | ToolCallFinished
  | FindingsRecalled
  | FindingSaved
  | Note
  | ContextCompacted
  | Answer
  | RunFinished;

/**
 * The first event of a run.
 */
export interface RunStarted {
  model: string;
  /**
   * which setting chose the model, in words
   */
  model_reason: string;
  notebook: string | null;
  protocol: 'native' | 'fenced';
  question: string;
  /**
   * the run that this one goes on with
   */
  resumes: string | null;
  run_id: string;
  schema_version: number;
  seq: number;
  /**
   * settings of the run; never a key
   */
  settings: {
    [k: string]: unknown;
  };
  /**
   * wall clock, ISO 8601 with zone
   */
  started_at: string;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'run_started';
  /**
   * names of the values asked for
   */
  values: string[];
  versions: {
    [k: string]: string;
  };
}
/**
 * The kernel that runs the agent's code answers; what keeps it from the user's things.
 */
export interface KernelReady {
  /**
   * what isolates it: bubblewrap, landlock, gateway, or none
   */
  backend: string;
  /**
   * the same in words
   */
  isolation: string;
  /**
   * its limits and rights; no values of variables
   */
  policy: {
    [k: string]: unknown;
  };
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'kernel_ready';
}
/**
 * Frames and files are in the kernel; what the model is told of them stands in ``prompt``.
 */
export interface DataHandedOver {
  data: DataDescription[];
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'data_handed_over';
}
/**
 * A frame or file that was handed over, as the record keeps it.
 */
export interface DataDescription {
  bytes: number;
  /**
   * what the hand-over changed, one sentence a column
   */
  changes: string[];
  columns: number | null;
  /**
   * hash of schema and content
   */
  fingerprint: string;
  kind: 'frame' | 'file';
  name: string;
  /**
   * where a file is, on its machine
   */
  path: string | null;
  rows: number | null;
}
/**
 * A plan for the run, before its first step. ``planned`` are the steps with all they say.
 *
 * ``artefacts`` are what lives before the first step.
 */
export interface PlanProposed {
  artefacts: KeptArtefact[];
  planned: PlannedStep[];
  run_id: string;
  seq: number;
  steps: string[];
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'plan_proposed';
}
/**
 * What a step left, and whether it is kept beside the record, so that a run can go on.
 */
export interface KeptArtefact {
  /**
   * of its file; null: it is not kept
   */
  digest: string | null;
  kind:
    | 'frame'
    | 'series'
    | 'array'
    | 'value'
    | 'module'
    | 'chart'
    | 'passage'
    | 'other';
  name: string;
  /**
   * where a passage stands, for citing it
   */
  source: string | null;
  /**
   * its type, shape or value, or a passage's text
   */
  text: string;
}
/**
 * A step of a plan. ``checks``: what must hold then; ``depends_on``: indexes of others.
 */
export interface PlannedStep {
  artefacts: PlanArtefact[];
  checks: string[];
  depends_on: number[];
  kind: 'compute' | 'look_up' | 'chart' | 'write';
  text: string;
}
/**
 * Something that a step is to leave: a variable, a chart, or a passage of text.
 */
export interface PlanArtefact {
  kind: 'variable' | 'chart' | 'passage';
  name: string;
}
/**
 * The plan changed; steps that ended stay where they are.
 */
export interface PlanRevised {
  planned: PlannedStep[];
  reason: string;
  run_id: string;
  seq: number;
  steps: string[];
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'plan_revised';
}
/**
 * A step of the plan began.
 */
export interface PlanStepStarted {
  index: number;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'plan_step_started';
}
/**
 * A step of the plan ended; a run can be resumed after it.
 *
 * ``result`` is what the step came to, in words. ``artefacts`` are all that live at its end.
 */
export interface PlanStepFinished {
  artefacts: KeptArtefact[];
  index: number;
  /**
   * why it failed or was skipped
   */
  reason: string | null;
  result: string;
  /**
   * it ended in the run that this one resumes
   */
  resumed: boolean;
  run_id: string;
  seq: number;
  status: 'ok' | 'error' | 'skipped';
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'plan_step_finished';
}
/**
 * A role of the team has its turn: what happens until the turn's end is its doing.
 */
export interface TeamTurnStarted {
  does:
    'plan' | 'search' | 'compute' | 'review' | 'decide' | 'write' | 'discuss';
  model: string;
  /**
   * why it is this role's turn, one sentence
   */
  reason: string;
  role: string;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'team_turn_started';
}
/**
 * A role's turn ended; what it said stands on the blackboard under ``number``.
 */
export interface TeamTurnFinished {
  /**
   * the number of the result it speaks of
   */
  about: number | null;
  /**
   * the turn came to nothing
   */
  failed: boolean;
  kind:
    | 'plan'
    | 'passage'
    | 'result'
    | 'objection'
    | 'approval'
    | 'decision'
    | 'answer'
    | 'remark';
  mentions: string[];
  number: number;
  role: string;
  run_id: string;
  seconds: number;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  text: string;
  type: 'team_turn_finished';
  usage: Usage;
}
/**
 * Tokens as the model's server counts them.
 *
 * ``input`` includes ``cached``: the tokens of the prompt that the server took from its
 * cache. A server that reports nothing leaves 0.
 */
export interface Usage {
  cached: number;
  input: number;
  output: number;
}
/**
 * The team is done. ``result`` is the number of the result that is the run's answer.
 */
export interface TeamFinished {
  /**
   * why nobody else has a turn, one sentence
   */
  reason: string;
  result: number | null;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'team_finished';
}
/**
 * The messages exactly as sent. Logged, not shown.
 *
 * A request whose messages begin with all the messages of the request before says so by
 * ``prefix``, the number of messages it shares with it, and holds only the rest.
 */
export interface Prompt {
  messages: {
    [k: string]: unknown;
  }[];
  prefix: number;
  /**
   * number of this request to the model in the run, from 0
   */
  request: number;
  run_id: string;
  sampling: {
    [k: string]: unknown;
  };
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  tools: {
    [k: string]: unknown;
  }[];
  type: 'prompt';
}
/**
 * Text of the model as it is generated.
 */
export interface MessageDelta {
  request: number;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  text: string;
  type: 'message_delta';
}
/**
 * The model finished one reply.
 */
export interface ModelResponded {
  finish_reason: string | null;
  /**
   * kept from an equal request, not asked for
   */
  from_cache: boolean;
  request: number;
  run_id: string;
  seconds: number;
  seconds_to_first_token: number | null;
  /**
   * of a kept reply
   */
  seconds_when_asked: number | null;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  text: string;
  type: 'model_responded';
  usage: Usage1;
  /**
   * of a kept reply
   */
  usage_when_asked: Usage2 | null;
}
/**
 * Tokens as the model's server counts them.
 *
 * ``input`` includes ``cached``: the tokens of the prompt that the server took from its
 * cache. A server that reports nothing leaves 0.
 */
export interface Usage1 {
  cached: number;
  input: number;
  output: number;
}
/**
 * Tokens as the model's server counts them.
 *
 * ``input`` includes ``cached``: the tokens of the prompt that the server took from its
 * cache. A server that reports nothing leaves 0.
 */
export interface Usage2 {
  cached: number;
  input: number;
  output: number;
}
/**
 * A tool call is about to run.
 */
export interface ToolCallStarted {
  arguments: {
    [k: string]: unknown;
  };
  call_id: string;
  /**
   * the call as the model wrote it
   */
  raw: string;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  tool: string;
  type: 'tool_call_started';
}
/**
 * What became of a tool call by the rules and the mode; ``why`` and ``risk`` are words.
 */
export interface PermissionDecided {
  call_id: string;
  decision: 'allow' | 'ask' | 'deny';
  level: 'safe' | 'contained' | 'risky' | 'irreversible';
  risk: string;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  tool: string;
  type: 'permission_decided';
  why: string;
}
/**
 * The run waits for the user: about a tool call, a plan, or with a question of the model's.
 *
 * ``editable`` is the text that may be edited, a plan with one step a line; ``preview`` is what
 * the call would change, as a diff; ``choices`` are answers that a question offers.
 */
export interface ApprovalRequested {
  /**
   * what will run, where that is not quite what the model wrote
   */
  arguments: {
    [k: string]: unknown;
  } | null;
  call_id: string;
  /**
   * whether later calls may be approved too
   */
  can_always: boolean;
  choices: string[];
  editable: string | null;
  kind: 'call' | 'plan' | 'question';
  preview: string;
  /**
   * what it may do, or what is asked, in words
   */
  risk: string;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'approval_requested';
}
/**
 * The user, or the policy for runs without one, decided.
 */
export interface ApprovalResolved {
  /**
   * what the user wrote: a plan as edited, or an answer
   */
  answer: string | null;
  /**
   * what runs instead, where the user edited the call
   */
  arguments: {
    [k: string]: unknown;
  } | null;
  by: 'user' | 'policy';
  call_id: string;
  decision: 'approved' | 'denied' | 'edited';
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'approval_resolved';
}
/**
 * One output of a tool call, in the shape of a notebook's output.
 *
 * ``output`` is an nbformat 4 output dictionary: ``stream`` | ``display_data`` |
 * ``execute_result`` | ``error``. ``display_id`` names an output that a later one with
 * ``update`` replaces; ``clear`` says that all outputs of the call before it are gone.
 */
export interface OutputEmitted {
  call_id: string;
  clear: boolean;
  display_id: string | null;
  output: {
    [k: string]: unknown;
  } | null;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'output';
  update: boolean;
}
/**
 * A tool call ended; ``observation`` is what the model sees of it.
 */
export interface ToolCallFinished {
  /**
   * what ran, where that is not quite what the model wrote
   */
  arguments: {
    [k: string]: unknown;
  } | null;
  /**
   * answered by an equal call before it
   */
  cached: boolean;
  call_id: string;
  observation: string;
  run_id: string;
  seconds: number;
  seq: number;
  status: 'ok' | 'error' | 'timeout' | 'interrupted' | 'died' | 'refused';
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'tool_call_finished';
  /**
   * named values that the code reported as its result
   */
  values: {
    [k: string]: unknown;
  };
}
/**
 * Past findings that matter for the question, best first.
 */
export interface FindingsRecalled {
  findings: RecalledFinding[];
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'findings_recalled';
}
/**
 * A past finding that matters for a question.
 */
export interface RecalledFinding {
  answer: string;
  created_at: string;
  /**
   * of the questions, about 0 to 1.4; 2 for the same
   */
  nearness: number;
  /**
   * its name in citations is F and this number
   */
  number: number;
  /**
   * surely or perhaps the same question, or another one, on the same data; the data changed since; other data
   */
  outcome: 'known' | 'likely' | 'related' | 'stale' | 'recipe';
  question: string;
}
/**
 * The run left a finding.
 */
export interface FindingSaved {
  number: number;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'finding_saved';
}
/**
 * Something the user should know: a restart, a budget near its end, a malformed action.
 */
export interface Note {
  /**
   * what kind of note, a stable identifier
   */
  code: string;
  level: 'info' | 'warning' | 'error';
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  text: string;
  type: 'note';
}
/**
 * Older messages gave way to a summary.
 */
export interface ContextCompacted {
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  tokens_after: number;
  tokens_before: number;
  type: 'context_compacted';
}
/**
 * The answer of the run: text in Markdown, and the named values that were computed.
 */
export interface Answer {
  /**
   * false: a budget ended the run, the text says what is missing
   */
  complete: boolean;
  run_id: string;
  seq: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  text: string;
  type: 'answer';
  /**
   * numbers of the text, as written, that stand in no output
   */
  ungrounded: string[];
  values: {
    [k: string]: unknown;
  };
}
/**
 * The last event of a run.
 */
export interface RunFinished {
  /**
   * money, by the configured prices; null: a price is not known
   */
  cost: number | null;
  /**
   * why the status is not ok, one sentence
   */
  reason: string | null;
  run_id: string;
  seconds: number;
  seconds_by_phase: {
    [k: string]: number;
  };
  seq: number;
  status: 'ok' | 'partial' | 'error' | 'stopped';
  steps: number;
  /**
   * seconds since the run started, monotonic clock
   */
  t: number;
  type: 'run_finished';
  usage: Usage3;
  /**
   * what of the usage was spent on checks of the answer, by check
   */
  usage_by_check: {
    [k: string]: Usage2;
  };
}
/**
 * Tokens as the model's server counts them.
 *
 * ``input`` includes ``cached``: the tokens of the prompt that the server took from its
 * cache. A server that reports nothing leaves 0.
 */
export interface Usage3 {
  cached: number;
  input: number;
  output: number;
}
