// What a running `%%agent` cell tells its front end, and what can be told to it.
// The other side is analyst/frontends/cell_control.py. Not here: sending (runlink.ts).

import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

/** The MIME type by which a live view asks for its buttons. */
export const RUN_MIME = 'application/vnd.jupyter-analyst.run+json';

/** The comm target on which the kernel listens. */
export const TARGET = 'jupyter-analyst';

/** A call that waits for the user. */
export interface IWaitingCall {
  callId: string;
  tool: string;
  risk: string;
  code: string;
}

/** The state of a run that goes on. */
export interface IRunControl {
  runId: string;
  stopping: boolean;
  approval: IWaitingCall | null;
}

/** What the user decided about a call. */
export interface ICellDecision {
  decision: 'approved' | 'denied' | 'edited';
  code?: string;
  always?: boolean;
}

/** Something to tell the kernel. */
export type CellMessage =
  | { kind: 'hello' }
  | { kind: 'stop' }
  | ({ kind: 'approval'; call_id: string } & ICellDecision);

/** Read the data of a view; what a notebook file holds may be anything. */
export function readControl(
  data: ReadonlyPartialJSONValue | undefined
): IRunControl | null {
  const run = record(data);
  if (!run) {
    return null;
  }
  const waiting = record(run.approval);
  return {
    runId: text(run.run_id),
    stopping: run.stopping === true,
    approval:
      waiting && typeof waiting.call_id === 'string'
        ? {
            callId: waiting.call_id,
            tool: text(waiting.tool),
            risk: text(waiting.risk),
            code: text(waiting.code)
          }
        : null
  };
}

function record(value: unknown): Record<string, unknown> | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
