// The plugins of this extension, and how its parts are put together.

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands } from './commands';
import { AnalystApi } from './model/api';
import { Workspace } from './model/workspace';
import { notebookPlugins } from './notebook';
import { AnalystPanel, AnalystWidget } from './panel';
import { Renderers } from './rendering/renderers';
import { PanelSettings } from './settings';
import { IAnalystPanel } from './tokens';

export * from './tokens';

const ID = 'jupyter-analyst:panel';

const panel: JupyterFrontEndPlugin<IAnalystPanel> = {
  id: ID,
  description: 'A panel that answers questions about your data.',
  autoStart: true,
  provides: IAnalystPanel,
  requires: [IRenderMimeRegistry],
  optional: [
    ITranslator,
    ISettingRegistry,
    ICommandPalette,
    ILayoutRestorer,
    IStateDB
  ],
  activate: async (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ): Promise<IAnalystPanel> => {
    const trans = (translator ?? nullTranslator).load('jupyter_analyst');
    const settings = await PanelSettings.load(registry, ID);
    const workspace = new Workspace(
      new AnalystApi(app.serviceManager.serverSettings)
    );
    const renderers = new Renderers(rendermime, trans);
    const services = { workspace, renderers, settings, trans };
    const widget = new AnalystWidget(
      services,
      () => void restore(workspace, state)
    );
    const show = () => app.shell.activateById(widget.id);

    app.shell.add(widget, 'right', { rank: 900, type: 'Analyst' });
    restorer?.add(widget, 'jupyter-analyst');
    addCommands(app.commands, palette, workspace, trans, show);
    return new AnalystPanel(services, show);
  }
};

/** Open the conversation that was open last, and remember the one that is. */
async function restore(
  workspace: Workspace,
  state: IStateDB | null
): Promise<void> {
  const key = `${ID}:conversation`;
  const saved = await state?.fetch(key).catch(() => undefined);
  let known = typeof saved === 'string' ? saved : null;
  await workspace.start(known);
  workspace.changed.connect(() => {
    const id = workspace.current?.id ?? null;
    if (id !== known) {
      known = id;
      void state?.save(key, id);
    }
  });
}

const plugins: JupyterFrontEndPlugin<unknown>[] = [panel, ...notebookPlugins];

export default plugins;
