// The panel's commands. Those that act on a notebook are not here.

import { ICommandPalette } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { analystIcon } from './components/icons';
import { Workspace } from './model/workspace';

export const CommandIDs = {
  open: 'analyst:open',
  newConversation: 'analyst:new-conversation',
  focusInput: 'analyst:focus-input',
  stop: 'analyst:stop',
  showFindings: 'analyst:show-findings',
  showRuns: 'analyst:show-runs'
};

export function addCommands(
  commands: CommandRegistry,
  palette: ICommandPalette | null,
  workspace: Workspace,
  trans: TranslationBundle,
  show: () => void
): void {
  const add = (
    id: string,
    label: string,
    execute: () => void,
    options: Partial<CommandRegistry.ICommandOptions> = {}
  ) => {
    const describedBy = { args: { type: 'object', properties: {} } };
    commands.addCommand(id, { label, execute, describedBy, ...options });
    palette?.addItem({ command: id, category: trans.__('Analyst') });
  };
  add(CommandIDs.open, trans.__('Show Analyst'), show, { icon: analystIcon });
  add(CommandIDs.newConversation, trans.__('New Conversation'), () => {
    show();
    workspace.startAnew();
  });
  add(CommandIDs.focusInput, trans.__('Ask a Question'), () => {
    show();
    workspace.show('conversation');
    workspace.focusInput();
  });
  add(
    CommandIDs.stop,
    trans.__('Stop the Run'),
    () => void workspace.current?.stop(),
    { isEnabled: () => workspace.current?.busy ?? false }
  );
  add(CommandIDs.showFindings, trans.__('Show Findings'), () => {
    show();
    workspace.showFinding(null);
  });
  add(CommandIDs.showRuns, trans.__('Show Runs'), () => {
    show();
    workspace.show('runs');
  });
}
