// Which files the agent's code wrote, and having a copy of them.

import { PathExt } from '@jupyterlab/coreutils';
import React, { useState } from 'react';

import { visible } from '../rendering/markdown';
import { usePanel } from './context';

export function FilesWritten(props: { text: string }): JSX.Element {
  const { workspace, trans } = usePanel();
  const [saving, setSaving] = useState(false);
  const [outcome, setOutcome] = useState('');

  const save = async () => {
    const { current, notebook, api } = workspace;
    if (!current) {
      return;
    }
    setSaving(true);
    try {
      const directory = PathExt.dirname(notebook ?? '');
      const { paths } = await api.saveFiles(current.id, directory);
      setOutcome(trans.__('Saved: %1', paths.join(', ')));
    } catch (error) {
      setOutcome(error instanceof Error ? error.message : String(error));
    }
    setSaving(false);
  };
  return (
    <div className="jp-Analyst-remark" data-level="info">
      <p>{visible(props.text)}</p>
      <div className="jp-Analyst-buttons">
        <button
          type="button"
          className="jp-Analyst-button"
          disabled={saving}
          onClick={() => void save()}
        >
          {workspace.notebook
            ? trans.__('Save beside the notebook')
            : trans.__('Save the files')}
        </button>
        <span className="jp-Analyst-quiet" role="status">
          {visible(outcome)}
        </span>
      </div>
    </div>
  );
}
