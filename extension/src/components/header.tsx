// Which conversation is shown: choose, begin, rename, delete, export.

import {
  Dialog,
  InputDialog,
  showDialog,
  showErrorMessage
} from '@jupyterlab/apputils';
import {
  addIcon,
  caretDownIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  notebookIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import React, { useEffect, useRef, useState } from 'react';

import type { IConversationInfo } from '../model/api';
import { conversationMarkdown } from '../model/markdown';
import { visible } from '../rendering/markdown';
import { useChanged, usePanel } from './context';
import { dayOf } from './findings';
import { IconButton } from './icons';

export function Header(): JSX.Element {
  const { workspace, trans } = usePanel();
  const { current, conversations } = workspace;
  useChanged(current?.changed);
  const [open, setOpen] = useState(false);
  const host = useRef<HTMLDivElement>(null);
  const info = conversations.find(one => one.id === current?.id);
  const untitled = trans.__('Untitled');
  const title = info?.title || current?.runs[0]?.question || untitled;

  useEffect(() => {
    if (!open) {
      return;
    }
    void workspace.refreshConversations();
    const close = (event: Event) => {
      if (!host.current?.contains(event.target as Node)) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', close, true);
    return () => document.removeEventListener('pointerdown', close, true);
  }, [open, workspace]);

  const attempt = (work: Promise<unknown>) => {
    void work.catch((error: Error) =>
      showErrorMessage(trans.__('That could not be done'), error)
    );
  };
  const rename = async (one: IConversationInfo) => {
    const answer = await InputDialog.getText({
      title: trans.__('Rename the conversation'),
      text: one.title
    });
    if (answer.button.accept && answer.value?.trim()) {
      await workspace.rename(one.id, answer.value.trim());
    }
  };
  const remove = async (one: IConversationInfo) => {
    const answer = await showDialog({
      title: trans.__('Delete “%1”?', one.title || untitled),
      body: trans.__(
        'Its runs stay on record, and its findings in memory. Its kernel ends.'
      ),
      buttons: [
        Dialog.cancelButton(),
        Dialog.warnButton({ label: trans.__('Delete') })
      ]
    });
    if (answer.button.accept) {
      await workspace.remove(one.id);
    }
  };
  const restart = async () => {
    const answer = await showDialog({
      title: trans.__('Start afresh?'),
      body: trans.__(
        'The agent gets a new kernel, and forgets its variables and what was said.'
      ),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Start afresh') })
      ]
    });
    if (answer.button.accept) {
      await current?.reset();
    }
  };

  return (
    <div
      ref={host}
      className="jp-Analyst-header"
      onKeyDown={event => {
        if (event.key === 'Escape' && open) {
          event.stopPropagation();
          setOpen(false);
        }
      }}
    >
      <button
        type="button"
        className="jp-Analyst-switch"
        aria-expanded={open}
        aria-haspopup="true"
        title={trans.__('Choose a conversation')}
        onClick={() => setOpen(!open)}
      >
        <span>{visible(title)}</span>
        <caretDownIcon.react tag="span" aria-hidden="true" />
      </button>
      <IconButton
        icon={downloadIcon}
        label={trans.__('Export as Markdown')}
        disabled={!current || current.runs.length === 0}
        onClick={() =>
          current && download(title, conversationMarkdown(title, current.runs))
        }
      />
      {workspace.cells && (
        <IconButton
          icon={notebookIcon}
          label={trans.__('Make this a notebook')}
          disabled={!current || current.busy || current.runs.length === 0}
          onClick={() =>
            current &&
            attempt(
              workspace.cells!.makeNotebook(current.runs.map(run => run.runId))
            )
          }
        />
      )}
      <IconButton
        icon={refreshIcon}
        label={trans.__('Start afresh: new kernel, no memory of what was said')}
        disabled={!current || current.runs.length === 0}
        onClick={() => attempt(restart())}
      />
      <IconButton
        icon={addIcon}
        label={trans.__('New conversation')}
        onClick={() => {
          setOpen(false);
          workspace.startAnew();
        }}
      />
      {open && (
        <ul className="jp-Analyst-menu" aria-label={trans.__('Conversations')}>
          {conversations.length === 0 && (
            <li className="jp-Analyst-quiet">{trans.__('None yet')}</li>
          )}
          {conversations.map(one => (
            <li key={one.id} data-current={one.id === current?.id}>
              <button
                type="button"
                className="jp-Analyst-menuItem"
                aria-current={one.id === current?.id}
                onClick={() => {
                  setOpen(false);
                  workspace.select(one.id);
                }}
              >
                <span>{visible(one.title || untitled)}</span>
                <small>
                  {one.busy ? trans.__('running') : dayOf(one.last)}
                </small>
              </button>
              <IconButton
                icon={editIcon}
                label={trans.__('Rename')}
                onClick={() => attempt(rename(one))}
              />
              <IconButton
                icon={deleteIcon}
                label={trans.__('Delete')}
                onClick={() => attempt(remove(one))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function download(title: string, text: string): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/markdown' }));
  const name = title.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);
  link.href = url;
  link.download = `${name || 'conversation'}.md`;
  link.click();
  URL.revokeObjectURL(url);
}
