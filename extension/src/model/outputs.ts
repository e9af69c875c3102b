// How the outputs of a call are collected: streams that go on, displays that are replaced.
// Not here: which form of an output is shown (rendering/forms.ts).

import type { OutputEmitted } from './events';
import type { IBlobReference, IShownOutput, IStep } from './transcript';

/** How much of one stream of a step is kept for display; the log has all of it. */
export const MAX_STREAM_CHARS = 20_000;

/** An output as the server sends it: large values are named, not sent. */
export type SentOutput = OutputEmitted & { blobs?: unknown };

/** Take one output of a call. */
export function emit(step: IStep, event: SentOutput): void {
  if (event.clear) {
    step.outputs = [];
  }
  if (event.output) {
    const shown = {
      key: `${step.callId}/${step.emitted}`,
      output: event.output,
      blobs: blobsOf(event),
      displayId: event.display_id ?? null,
      cut: 0
    };
    step.emitted += 1;
    join(step.outputs, shown);
  }
}

/** Replace every output of that display, whichever step showed it. */
export function updateDisplay(
  steps: readonly IStep[],
  event: SentOutput
): void {
  if (!event.output) {
    return;
  }
  for (const step of steps) {
    step.outputs.forEach((shown, at) => {
      if (shown.displayId === event.display_id) {
        const type = shown.output.output_type;
        step.outputs[at] = {
          ...shown,
          output: { ...event.output, output_type: type },
          blobs: blobsOf(event)
        };
        step.version += 1;
      }
    });
  }
}

/** nbformat's multi-line text, which may be a list of lines, as one string. */
export function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join('') : `${value ?? ''}`;
}

/** Append an output; text that goes on where a stream left off joins it. */
function join(outputs: IShownOutput[], added: IShownOutput): void {
  const last = outputs[outputs.length - 1];
  if (added.output.output_type !== 'stream' || added.blobs.length > 0) {
    outputs.push(added);
  } else if (
    last?.output.output_type !== 'stream' ||
    last.output.name !== added.output.name ||
    last.blobs.length > 0
  ) {
    outputs.push(capped(added, textOf(added.output.text)));
  } else {
    const text = textOf(last.output.text) + textOf(added.output.text);
    outputs[outputs.length - 1] = capped(last, text);
  }
}

function capped(shown: IShownOutput, text: string): IShownOutput {
  return {
    ...shown,
    output: { ...shown.output, text: text.slice(-MAX_STREAM_CHARS) },
    cut: shown.cut + Math.max(text.length - MAX_STREAM_CHARS, 0)
  };
}

function blobsOf(event: SentOutput): readonly IBlobReference[] {
  return Array.isArray(event.blobs)
    ? event.blobs.filter(
        blob =>
          typeof blob?.key === 'string' && typeof blob?.sha256 === 'string'
      )
    : [];
}
