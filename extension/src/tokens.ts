// What other plugins can use of the panel, and what they can give it.
// Not here: how the panel works.

import { Token } from '@lumino/coreutils';

import type { ContextReference } from './model/api';
import type { ITranscript } from './model/transcript';

/** Something that goes along with a question; a chip shows it. */
export interface IContextItem {
  /** What the server is sent. */
  readonly reference: ContextReference;
  /** The chip's text. */
  readonly label: string;
  /** What it is in some more words: a shape, a size, a question. */
  readonly detail?: string;
}

/** Offers things that can go along with a question, after an `@`. */
export interface IContextProvider {
  readonly id: string;
  /** Heading of its offers. */
  readonly label: string;
  /** Why nothing can be offered, or null: a sentence for the user. */
  readonly problem?: string | null;
  /** Offers whose label fits what was typed after the `@`; all for an empty prefix. */
  complete(prefix: string): Promise<IContextItem[]>;
}

/** Relative to the active cell; `replace` is for its code, or that of `replaceable`. */
export type CellPlace = 'above' | 'below' | 'end' | 'replace';

/** What can be done to a notebook from the panel. Each is one undoable step. */
export interface ICellActions {
  /** The title of the notebook that is acted on, or null where there is none. */
  readonly target: string | null;
  /** What to call the failed cell that a fix was asked for, or null. */
  readonly replaceable: string | null;
  insertCode(code: string, where: CellPlace): Promise<void>;
  /** Insert an answer; the charts of its run come with it. */
  insertAnswer(
    markdown: string,
    where: CellPlace,
    run?: ITranscript
  ): Promise<void>;
  /** Make a notebook of runs, and open it. */
  makeNotebook(runIds: string[]): Promise<void>;
}

/** What the panel has to tell of a question that other plugins ask. */
export interface IQuestion {
  question: string;
  context?: IContextItem[];
  /** Only put it into the input, for the user to send. */
  draft?: boolean;
}

/** The panel, for other plugins. */
export interface IAnalystPanel {
  /** Show the panel and put the cursor into its input. */
  open(): void;
  ask(question: IQuestion): Promise<void>;
  addContextProvider(provider: IContextProvider): void;
  setCellActions(actions: ICellActions): void;
  /** The notebook that new conversations are about, as a path, or null. */
  setNotebook(path: string | null): void;
  /** The conversation that is shown, or null. */
  readonly conversation: string | null;
}

export const IAnalystPanel = new Token<IAnalystPanel>(
  'jupyter-analyst:IAnalystPanel',
  'The panel of Analyst: asks questions, and takes context and cell actions.'
);
