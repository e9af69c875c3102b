// The plugins that tie the panel to notebooks.

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { analystIcon } from '../components/icons';
import { AnalystApi } from '../model/api';
import { IAnalystPanel } from '../tokens';
import { bringFrame } from './bring';
import { CellActions } from './cells';
import { ERROR_MIME, ErrorView, TRACEBACK_MIME } from './errorview';
import { Explainer } from './explain';
import { FileProvider } from './files';
import { FindingProvider } from './findings';
import { followNotebook } from './follow';
import { FrameProvider } from './frames';
import { kernelAt } from './places';
import { RUN_MIME } from './runcontrol';
import { RunLink } from './runlink';
import { RunView } from './runview';

const CommandIDs = {
  askAnalyst: 'analyst:ask-from-notebook',
  bringFrame: 'analyst:bring-frame'
};

/** Of two renderers the one with the lower rank is taken; that of HTML has 50. */
const RUN_RANK = 10;

/** That of tracebacks has 110. */
const ERROR_RANK = 100;

/** The buttons of running `%%agent` cells; needs no panel. */
const runs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-analyst:runs',
  description: 'Stop and approvals in the outputs of %%agent cells.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_analyst');
    const html = rendermime.getFactory('text/html');
    if (!html) {
      return;
    }
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [RUN_MIME],
        createRenderer: options =>
          new RunView(
            html.createRenderer({ ...options, mimeType: 'text/html' }),
            {
              kernelAt: node => kernelAt(node, tracker, app.shell),
              link: kernel => new RunLink(kernel),
              trans
            }
          )
      },
      RUN_RANK
    );
  }
};

/** Context, cell actions and questions about cells. */
const notebook: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-analyst:notebook',
  description: 'Ties the panel of Analyst to the current notebook.',
  autoStart: true,
  requires: [IAnalystPanel, INotebookTracker, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    panel: IAnalystPanel,
    tracker: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_analyst');
    const { commands, serviceManager } = app;
    const api = new AnalystApi(serviceManager.serverSettings);
    const kernelId = () =>
      tracker.currentWidget?.sessionContext.session?.kernel?.id ?? null;
    panel.addContextProvider(new FrameProvider(api, kernelId, trans));
    panel.addContextProvider(new FileProvider(api, trans));
    panel.addContextProvider(new FindingProvider(api, trans));

    const cells = new CellActions({
      tracker,
      api,
      contents: serviceManager.contents,
      openDocument: path => commands.execute('docmanager:open', { path }),
      trans
    });
    followNotebook(panel, tracker, cells);
    const explainer = new Explainer(panel, tracker, cells, trans);
    explainer.addCommands(commands, palette);
    addErrorView(rendermime, explainer, trans);

    const describedBy = { args: { type: 'object', properties: {} } };
    commands.addCommand(CommandIDs.askAnalyst, {
      label: trans.__('Ask Analyst'),
      caption: trans.__('Ask Analyst about this notebook’s data'),
      icon: analystIcon,
      describedBy,
      execute: () => panel.open()
    });
    commands.addCommand(CommandIDs.bringFrame, {
      label: trans.__('Bring a Table into the Notebook…'),
      describedBy,
      isEnabled: () => tracker.currentWidget !== null,
      execute: () =>
        bringFrame({
          tracker,
          api,
          cells,
          conversation: () => panel.conversation,
          trans
        })
    });
    palette?.addItem({
      command: CommandIDs.bringFrame,
      category: trans.__('Analyst')
    });
  }
};

/** Show errors with buttons, unless somebody else shows errors in a way of their own. */
function addErrorView(
  rendermime: IRenderMimeRegistry,
  explainer: Explainer,
  trans: ReturnType<ITranslator['load']>
): void {
  const traceback = rendermime.getFactory(TRACEBACK_MIME);
  if (!traceback || rendermime.getFactory(ERROR_MIME)) {
    return;
  }
  rendermime.addFactory(
    {
      safe: true,
      mimeTypes: [ERROR_MIME],
      createRenderer: options =>
        new ErrorView(
          traceback.createRenderer({ ...options, mimeType: TRACEBACK_MIME }),
          explainer,
          trans
        )
    },
    ERROR_RANK
  );
}

export const notebookPlugins: JupyterFrontEndPlugin<void>[] = [runs, notebook];
