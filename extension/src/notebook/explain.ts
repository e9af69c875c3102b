// Asks the panel about a cell of a notebook: commands, and what the buttons at an error do.
// Not here: what is asked (failures.ts), and the buttons (errorview.tsx).

import { ICommandPalette } from '@jupyterlab/apputils';
import type { ICell } from '@jupyterlab/nbformat';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import type { IAnalystPanel } from '../tokens';
import type { CellActions } from './cells';
import {
  askedCell,
  cellQuestion,
  explainQuestion,
  fixQuestion,
  IAskedCell
} from './failures';
import { cellAt, notebookAt, NotebookCell } from './places';

export const ExplainIDs = {
  explain: 'analyst:explain-error',
  fix: 'analyst:fix-error',
  ask: 'analyst:ask-about-cell'
};

export class Explainer {
  constructor(
    private _panel: IAnalystPanel,
    private _tracker: INotebookTracker,
    private _cells: CellActions,
    private _trans: TranslationBundle
  ) {}

  /** Whether the output at a node is one of a notebook's cell. */
  isInCell(node: Node): boolean {
    const panel = notebookAt(node, this._tracker);
    return panel !== null && cellAt(node, panel) !== null;
  }

  /** Ask about the cell around a node. */
  async askAt(node: Node, verb: 'explain' | 'fix'): Promise<void> {
    const panel = notebookAt(node, this._tracker);
    const cell = panel && cellAt(node, panel);
    if (panel && cell) {
      await this._ask(panel, cell, verb);
    }
  }

  /** Add commands about the active cell. */
  addCommands(
    commands: CommandRegistry,
    palette: ICommandPalette | null
  ): void {
    const trans = this._trans;
    const add = (
      command: string,
      label: string,
      verb: 'explain' | 'fix' | 'ask'
    ) => {
      const isEnabled = () => {
        const cell = this._active();
        return cell !== null && (verb === 'ask' || this._read(cell).failed);
      };
      commands.addCommand(command, {
        label,
        isEnabled,
        isVisible: isEnabled,
        describedBy: { args: { type: 'object', properties: {} } },
        execute: async () => {
          const panel = this._tracker.currentWidget;
          const cell = this._active();
          if (panel && cell) {
            await this._ask(panel, cell, verb);
          }
        }
      });
      palette?.addItem({ command, category: trans.__('Analyst') });
    };
    add(ExplainIDs.explain, trans.__('Explain This Error'), 'explain');
    add(ExplainIDs.fix, trans.__('Fix This Error'), 'fix');
    add(ExplainIDs.ask, trans.__('Ask About This Cell'), 'ask');
    const changed = () => {
      for (const id of Object.values(ExplainIDs)) {
        commands.notifyCommandChanged(id);
      }
    };
    this._tracker.currentChanged.connect(changed);
    this._tracker.activeCellChanged.connect(changed);
  }

  private async _ask(
    panel: NotebookPanel,
    cell: NotebookCell,
    verb: 'explain' | 'fix' | 'ask'
  ): Promise<void> {
    const { asked } = this._read(cell);
    if (verb === 'ask') {
      const question = cellQuestion(asked, this._trans);
      await this._panel.ask({ question, draft: true });
      return;
    }
    if (verb === 'fix') {
      this._cells.offerReplacement(panel, cell);
    }
    const question = verb === 'fix' ? fixQuestion : explainQuestion;
    await this._panel.ask({ question: question(asked, this._trans) });
  }

  private _active(): NotebookCell | null {
    return this._tracker.currentWidget?.content.activeCell ?? null;
  }

  private _read(cell: NotebookCell): { asked: IAskedCell; failed: boolean } {
    const notebook = this._tracker.find(panel =>
      panel.content.widgets.includes(cell)
    );
    const info = notebook?.model?.getMetadata('language_info');
    const language = (info as { name?: string } | undefined)?.name ?? 'python';
    const asked = askedCell(cell.model.toJSON() as ICell, language);
    return { asked, failed: asked.error !== null };
  }
}
