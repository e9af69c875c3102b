// Brings a table of the agent's kernel into the notebook: a file, and a cell that reads it.

import { InputDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';

import type { AnalystApi, IFrame } from '../model/api';
import { CellActions, say } from './cells';
import { frameLabel } from './frames';
import { pathOf } from './places';

export interface IBringServices {
  tracker: INotebookTracker;
  api: AnalystApi;
  cells: CellActions;
  /** The conversation whose tables are meant. */
  conversation: () => string | null;
  trans: TranslationBundle;
}

/** Let the user choose a table, and read it in the current notebook. */
export async function bringFrame(services: IBringServices): Promise<void> {
  const { tracker, api, cells, trans } = services;
  const conversation = services.conversation();
  const panel = tracker.currentWidget;
  if (!panel) {
    say(trans.__('Open the notebook that shall have the table first.'));
    return;
  }
  if (conversation === null) {
    say(
      trans.__(
        'Ask something first: the tables of a conversation can be brought.'
      )
    );
    return;
  }
  try {
    const { frames } = await api.agentFrames(conversation);
    if (frames.length === 0) {
      say(trans.__('The agent’s kernel holds no tables now.'));
      return;
    }
    const frame = await chosen(frames, panel.title.label, trans);
    if (!frame) {
      return;
    }
    const directory = PathExt.dirname(pathOf(panel));
    const { code } = await api.bringFrame(conversation, frame.name, directory);
    const cell = await cells.addCode(panel, code);
    if (cell) {
      await NotebookActions.runCells(
        panel.content,
        [cell],
        panel.sessionContext
      );
    }
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

async function chosen(
  frames: IFrame[],
  notebook: string,
  trans: TranslationBundle
): Promise<IFrame | null> {
  const labels = frames.map(frameLabel);
  const { value, button } = await InputDialog.getItem({
    title: trans.__('Bring a table into %1', notebook),
    label: trans.__(
      'A file is written beside the notebook, and a cell reads it.'
    ),
    items: labels,
    okLabel: trans.__('Bring')
  });
  const at = button.accept && value !== null ? labels.indexOf(value) : -1;
  return frames[at] ?? null;
}
