// A conversation as Markdown, for reading elsewhere: questions, code, text outputs, answers.

import { fenced } from '../rendering/markdown';
import { markedWithLegend } from '../rendering/ungrounded';
import { textOf } from './outputs';
import type { IShownOutput, ITranscript } from './transcript';

/** The most of one output that is written out. */
const MOST_CHARS = 4000;

export function conversationMarkdown(
  title: string,
  runs: readonly ITranscript[]
): string {
  return [`# ${line(title)}`, ...runs.map(runMarkdown)].join('\n\n') + '\n';
}

export function runMarkdown(run: ITranscript): string {
  const parts = [`## ${line(run.question)}`];
  for (const item of run.items) {
    if (item.kind === 'step') {
      if (item.prose) {
        parts.push(item.prose);
      }
      parts.push(fenced(item.code, item.language));
      parts.push(...item.outputs.map(outputMarkdown).filter(Boolean));
    } else if (item.kind === 'remark' && item.level !== 'info') {
      parts.push(`> ${line(item.text)}`);
    }
  }
  if (run.answer !== null) {
    parts.push(markedWithLegend(run.answer, run.ungrounded));
  } else if (run.reason) {
    parts.push(`> ${line(run.reason)}`);
  }
  const meta = [run.model, run.startedAt, run.runId].filter(Boolean);
  parts.push(`*${meta.join(' · ')}*`);
  return parts.join('\n\n');
}

function outputMarkdown(shown: IShownOutput): string {
  const { output } = shown;
  if (output.output_type === 'stream') {
    return textBlock(textOf(output.text));
  }
  if (output.output_type === 'error') {
    return textBlock(`${output.ename}: ${output.evalue}`);
  }
  const data = (output.data ?? {}) as Record<string, unknown>;
  const png = data['image/png'];
  if (typeof png === 'string') {
    return `![](data:image/png;base64,${png.replace(/\s+/g, '')})`;
  }
  return textBlock(textOf(data['text/plain']));
}

function textBlock(text: string): string {
  const shown = text.trimEnd();
  return shown ? fenced(shown.slice(0, MOST_CHARS), 'text') : '';
}

function line(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
