// Where things stand: the current notebook, the document around a node, its kernel.
// Nothing is changed from here.

import { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { Widget } from '@lumino/widgets';

export type NotebookCell = NonNullable<NotebookPanel['content']['activeCell']>;

type SharedNotebook = NonNullable<NotebookPanel['model']>['sharedModel'];

/** A cell that is not in a notebook yet. */
export type NewCell = Parameters<SharedNotebook['insertCells']>[1][number];

/** The notebook around a node, wherever it is docked. */
export function notebookAt(
  node: Node,
  tracker: INotebookTracker
): NotebookPanel | null {
  return tracker.find(panel => panel.node.contains(node)) ?? null;
}

/** The cell around a node. */
export function cellAt(node: Node, panel: NotebookPanel): NotebookCell | null {
  const cells: readonly NotebookCell[] = panel.content.widgets;
  return cells.find(cell => cell.node.contains(node)) ?? null;
}

/** The kernel of the notebook, the console or whatever else has one around a node. */
export function kernelAt(
  node: Node,
  tracker: INotebookTracker | null,
  shell: JupyterFrontEnd.IShell
): Kernel.IKernelConnection | null {
  const notebook = tracker ? notebookAt(node, tracker) : null;
  const around = notebook ?? documentAt(node, shell);
  const context = (around as { sessionContext?: ISessionContext } | null)
    ?.sessionContext;
  return context?.session?.kernel ?? null;
}

function documentAt(node: Node, shell: JupyterFrontEnd.IShell): Widget | null {
  for (const widget of shell.widgets('main')) {
    if (widget.node.contains(node)) {
      return widget;
    }
  }
  return null;
}

/** A notebook's path below the server's root directory. */
export function pathOf(panel: NotebookPanel): string {
  return panel.context.localPath;
}
