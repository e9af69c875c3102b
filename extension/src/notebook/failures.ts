// What is asked about a cell: its code and its error, as far as they fit into a question.
// All of it is in the question's text, so nothing is sent that is not seen.

import type { ICell, ICodeCell, IError, IOutput } from '@jupyterlab/nbformat';
import { TranslationBundle } from '@jupyterlab/translation';

import { fenced } from '../rendering/markdown';

/** The end of a traceback says most; its beginning gives way. */
export const MOST_ERROR = 4000;

/** The beginning of a cell's code that is asked about. */
export const MOST_CODE = 10_000;

/** Colours and cursor movements of terminals. */
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;

/** What a cell says of itself. */
export interface IAskedCell {
  code: string;
  language: string;
  /** Its error, ready for the question, or null where it has none. */
  error: string | null;
}

/** Read a cell of a notebook, in nbformat's shape. */
export function askedCell(cell: ICell, language: string): IAskedCell {
  const outputs = cell.cell_type === 'code' ? (cell as ICodeCell).outputs : [];
  const failed = outputs.filter(isError).pop();
  return {
    code: textOf(cell.source),
    language: cell.cell_type === 'code' ? language : 'markdown',
    error: failed ? errorText(failed) : null
  };
}

/** A traceback without colours, and not longer than {@link MOST_ERROR}. */
export function errorText(error: IError): string {
  const lines = error.traceback.join('\n').trim();
  const text = (lines || `${error.ename}: ${error.evalue}`).replace(
    ESCAPES,
    ''
  );
  return text.length > MOST_ERROR
    ? `…${text.slice(text.length - MOST_ERROR + 1)}`
    : text;
}

export function explainQuestion(
  cell: IAskedCell,
  trans: TranslationBundle
): string {
  return [
    trans.__('Why does this cell fail, and what would put it right?'),
    ...parts(cell, trans)
  ].join('\n\n');
}

export function fixQuestion(
  cell: IAskedCell,
  trans: TranslationBundle
): string {
  return [
    trans.__(
      'This cell fails. Say in a sentence why, and give its whole code anew so that it works.'
    ),
    ...parts(cell, trans)
  ].join('\n\n');
}

/** The beginning of a question that the user goes on to write. */
export function cellQuestion(
  cell: IAskedCell,
  trans: TranslationBundle
): string {
  return [trans.__('About this cell:'), ...parts(cell, trans), ''].join('\n\n');
}

function parts(cell: IAskedCell, trans: TranslationBundle): string[] {
  const code =
    cell.code.length > MOST_CODE
      ? `${cell.code.slice(0, MOST_CODE - 1)}…`
      : cell.code;
  const told = [fenced(code, cell.language)];
  if (cell.error !== null) {
    told.push(trans.__('Its error:'), fenced(cell.error, ''));
  }
  return told;
}

function isError(output: IOutput): output is IError {
  return (
    output.output_type === 'error' &&
    Array.isArray((output as IError).traceback)
  );
}

function textOf(source: string | string[]): string {
  return Array.isArray(source) ? source.join('') : source;
}
