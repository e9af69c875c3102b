// An answer as cells: its text, and the charts that its run made.
// A chart that can be drawn again comes as the code that made it, with the chart as that
// cell's output; an image comes inside the text. Not here: inserting (cells.ts).

import type {
  IAttachments,
  IDisplayData,
  IMimeBundle
} from '@jupyterlab/nbformat';

import type { AnalystApi } from '../model/api';
import type { IShownOutput, IStep, ITranscript } from '../model/transcript';
import { PLOTLY } from '../rendering/forms';
import { literalDollars } from '../rendering/markdown';
import type { NewCell } from './places';

const IMAGES = ['image/png', 'image/jpeg'];

/** How {@link literalDollars} writes a dollar; notebooks have a shorter way. */
const LITERAL = literalDollars('$');

/** The cells of an answer; fetches large charts. */
export async function answerCells(
  markdown: string,
  run: ITranscript | null,
  api: Pick<AnalystApi, 'blob'>
): Promise<NewCell[]> {
  const attachments: IAttachments = {};
  const images: string[] = [];
  const drawn: NewCell[] = [];
  for (const step of run?.steps ?? []) {
    const charts: IDisplayData[] = [];
    for (const shown of step.status === 'ok' ? step.outputs : []) {
      const chart = await chartOf(shown, api);
      if (chart && PLOTLY in chart.data && step.language === 'python') {
        charts.push(chart);
      } else if (chart) {
        const name = `chart-${images.length + 1}`;
        attachments[name] = chart.data;
        images.push(`![](attachment:${name})`);
      }
    }
    if (charts.length > 0) {
      drawn.push(codeCell(step, charts));
    }
  }
  const text = literalDollars(markdown).split(LITERAL).join('\\$');
  const answer: NewCell = {
    cell_type: 'markdown',
    source: [text, ...images].join('\n\n'),
    metadata: {},
    ...(images.length > 0 ? { attachments } : {})
  };
  return [answer, ...drawn];
}

/** Not trusted: its output was made by somebody else's code. */
function codeCell(step: IStep, outputs: IDisplayData[]): NewCell {
  return {
    cell_type: 'code',
    source: step.code,
    metadata: {},
    execution_count: null,
    outputs
  };
}

/** The chart of an output, without whatever else is in it; null where there is none. */
async function chartOf(
  shown: IShownOutput,
  api: Pick<AnalystApi, 'blob'>
): Promise<IDisplayData | null> {
  const sent = (shown.output.data ?? {}) as Record<string, unknown>;
  for (const mime of [PLOTLY, ...IMAGES]) {
    const apart = shown.blobs.find(
      blob => blob.in === 'data' && blob.key === mime
    );
    const value = apart ? await api.blob(apart.sha256, apart.kind) : sent[mime];
    if (value !== undefined) {
      const data = { [mime]: value } as IMimeBundle;
      return { output_type: 'display_data', data, metadata: {} };
    }
  }
  return null;
}
