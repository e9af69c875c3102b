// Tells the panel which notebook is the current one, also when it is renamed.

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import type { IAnalystPanel } from '../tokens';
import type { CellActions } from './cells';
import { pathOf } from './places';

export function followNotebook(
  panel: IAnalystPanel,
  tracker: INotebookTracker,
  cells: CellActions
): void {
  let followed: NotebookPanel | null = null;
  const tell = () => {
    panel.setNotebook(followed ? pathOf(followed) : null);
    // Whoever shows what can be done looks again.
    panel.setCellActions(cells);
  };
  const follow = () => {
    if (followed && !followed.isDisposed) {
      followed.context.pathChanged.disconnect(tell);
    }
    followed = tracker.currentWidget;
    followed?.context.pathChanged.connect(tell);
    tell();
  };
  tracker.currentChanged.connect(follow);
  follow();
}
