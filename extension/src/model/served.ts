// What the server sends and takes, by docs/panel.md. Not here: how it is asked (api.ts).

/** What goes along with a question, as the server takes it. */
export type ContextReference =
  | { kind: 'frame'; kernel_id: string; name: string }
  | { kind: 'file'; path: string }
  | { kind: 'finding'; number: number };

/** The model that the next run asks; `problem` says why it cannot be asked. */
export interface IChosenModel {
  model: string | null;
  reason: string | null;
  embedded: boolean;
  base_url: string | null;
  problem: string | null;
}

/** What is on the server's machine of an embedded model. */
export interface IWeights {
  name: string;
  title: string;
  state: string;
  bytes: number;
  total: number;
}

/** What the next run goes by; each sentence of `missing` says what keeps it from running. */
export interface IStatus {
  version: string;
  model: IChosenModel;
  embedded: IWeights;
  isolation: { backend: string | null; words: string; problem: string | null };
  missing: string[];
  settings: Record<string, unknown>;
  running: number;
}

/** Which models can be chosen. */
export interface IModels {
  chosen: IChosenModel;
  key_set: boolean;
  embedded: IWeights[];
  endpoint: {
    base_url: string;
    models: string[];
    problem: string | null;
  } | null;
}

/** How far the fetch of the embedded model is, in bytes. */
export interface IPull {
  state: 'idle' | 'running' | 'done' | 'failed';
  stage: string | null;
  source: string | null;
  done: number;
  total: number;
  message: string | null;
}

/** A choice of a model; what is left out stays as it is. */
export interface IModelChoice {
  model?: string | null;
  base_url?: string | null;
  api_key?: string;
}

export interface IConversationInfo {
  id: string;
  title: string;
  notebook: string | null;
  created_at: string;
  runs: string[];
  busy: boolean;
  /** When something was last said in it. */
  last: string;
}

export interface IFinding {
  number: number;
  question: string;
  answer: string;
  values: {
    name: string;
    value: unknown;
    unit?: string | null;
    named?: boolean;
  }[];
  code: string;
  setup: string;
  data: { name: string; kind: string; path?: string | null; rows?: number }[];
  outputs: { mime: string; digest: string }[];
  notebook: string | null;
  run_id: string | null;
  model: string | null;
  created_at: string;
  tags: string[];
  pinned: boolean;
  superseded_by: number | null;
}

export interface IVerified {
  outcome: 'same' | 'differs' | 'data_changed' | 'impossible';
  detail: string;
  /** What the code put out this time, as outputs of a notebook. */
  outputs: Record<string, unknown>[];
}

export interface IRunSummary {
  run_id: string;
  status: string;
  question: string | null;
  model: string | null;
  started_at: string | null;
  seconds: number | null;
  notebook: string | null;
}

export interface IFrame {
  name: string;
  kind: string;
  /** Rows and columns. */
  shape: number[];
  /** Name and type of the first columns. */
  columns: [string, string][];
  bytes: number;
}

export interface IAsk {
  question: string;
  context: ContextReference[];
  /** Names of variables whose values are wanted. */
  values?: string[];
  overrides?: Record<string, unknown>;
}

export interface IDecision {
  decision: 'approved' | 'denied' | 'edited';
  /** What was edited, or the answer to a question. */
  text?: string;
  always?: boolean;
}
