// What a running `%%agent` cell tells its front end, and what can be told to it.
// The other side is analyst/frontends/cell_control.py. Not here: sending (runlink.ts).

import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

import type { IMade } from '../components/decision';
import type { IAsked } from '../model/transcript';

/** The MIME type by which a live view asks for its buttons. */
export const RUN_MIME = 'application/vnd.jupyter-analyst.run+json';

/** The comm target on which the kernel listens. */
export const TARGET = 'jupyter-analyst';

/** The state of a run that goes on. */
export interface IRunControl {
  runId: string;
  stopping: boolean;
  approval: IAsked | null;
}

/** Something to tell the kernel. */
export type CellMessage =
  | { kind: 'hello' }
  | { kind: 'stop' }
  | ({ kind: 'approval'; call_id: string } & IMade);

/** Read the data of a view; what a notebook file holds may be anything. */
export function readControl(
  data: ReadonlyPartialJSONValue | undefined
): IRunControl | null {
  const run = record(data);
  if (!run) {
    return null;
  }
  return {
    runId: text(run.run_id),
    stopping: run.stopping === true,
    approval: readAsked(record(run.approval))
  };
}

function readAsked(found: Record<string, unknown> | null): IAsked | null {
  if (!found || typeof found.call_id !== 'string') {
    return null;
  }
  const kind = KINDS.find(one => one === found.kind) ?? 'call';
  const more = Object.entries(record(found.more) ?? {});
  return {
    callId: found.call_id,
    kind,
    tool: text(found.tool),
    words: text(found.words),
    text: text(found.text),
    editable: found.editable === true,
    more: Object.fromEntries(more.map(([name, value]) => [name, text(value)])),
    preview: text(found.preview),
    choices: Array.isArray(found.choices) ? found.choices.map(text) : [],
    canAlways: found.can_always === true
  };
}

const KINDS = ['call', 'plan', 'question'] as const;

function record(value: unknown): Record<string, unknown> | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
