// All runs on record, whoever asked them; one can be opened to be looked at.

import { caretLeftIcon, notebookIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { IRunSummary } from '../model/api';
import { advance } from '../model/reducer';
import { emptyTranscript, ITranscript } from '../model/transcript';
import { visible } from '../rendering/markdown';
import { usePanel } from './context';
import { dayOf } from './findings';
import { Turn } from './turn';

const MOST = 200;

export function Runs(): JSX.Element {
  const { workspace, trans } = usePanel();
  const [runs, setRuns] = useState<IRunSummary[] | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const [failure, setFailure] = useState('');

  useEffect(() => {
    let wanted = true;
    workspace.api
      .runs(MOST)
      .then(found => wanted && setRuns(found.runs))
      .catch((error: Error) => wanted && setFailure(error.message));
    return () => {
      wanted = false;
    };
  }, [workspace]);

  if (open !== null) {
    return <OpenRun runId={open} close={() => setOpen(null)} />;
  }
  return (
    <div className="jp-Analyst-page">
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {failure}
        </p>
      )}
      {runs?.length === 0 && (
        <p className="jp-Analyst-quiet">{trans.__('No runs yet.')}</p>
      )}
      <ul className="jp-Analyst-list">
        {runs?.map(run => (
          <li key={run.run_id}>
            <button
              type="button"
              className="jp-Analyst-row"
              onClick={() => setOpen(run.run_id)}
            >
              <span className="jp-Analyst-rowHead">
                <span className="jp-Analyst-status" data-status={run.status}>
                  {run.status}
                </span>
                <time dateTime={run.started_at ?? ''}>
                  {dayOf(run.started_at)}
                </time>
                {run.seconds !== null && (
                  <span>{trans.__('%1 s', run.seconds.toFixed(1))}</span>
                )}
              </span>
              <span className="jp-Analyst-rowTitle">
                {visible(run.question ?? run.run_id)}
              </span>
              {run.notebook && (
                <span className="jp-Analyst-rowText">{run.notebook}</span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function OpenRun(props: { runId: string; close: () => void }): JSX.Element {
  const { runId, close } = props;
  const { workspace, trans } = usePanel();
  const [run, setRun] = useState<ITranscript | null>(null);
  const [failure, setFailure] = useState('');
  const { cells } = workspace;

  useEffect(() => {
    let wanted = true;
    workspace.api
      .runEvents(runId)
      .then(({ events }) => {
        const read = emptyTranscript(runId);
        events.forEach(event => advance(read, event));
        if (wanted) {
          setRun(read);
        }
      })
      .catch((error: Error) => wanted && setFailure(error.message));
    return () => {
      wanted = false;
    };
  }, [workspace, runId]);

  const makeNotebook = () => {
    cells
      ?.makeNotebook([runId])
      .catch((error: Error) => setFailure(error.message));
  };

  return (
    <div className="jp-Analyst-page">
      <div className="jp-Analyst-buttons">
        <button type="button" className="jp-Analyst-link" onClick={close}>
          <caretLeftIcon.react tag="span" aria-hidden="true" />
          {trans.__('All runs')}
        </button>
        {cells ? (
          <button
            type="button"
            className="jp-Analyst-button"
            onClick={makeNotebook}
          >
            <notebookIcon.react tag="span" aria-hidden="true" />
            {trans.__('Make a notebook')}
          </button>
        ) : (
          <a
            className="jp-Analyst-button"
            href={workspace.api.runNotebookUrl(runId)}
            download={`${runId}.ipynb`}
          >
            <notebookIcon.react tag="span" aria-hidden="true" />
            {trans.__('Download as a notebook')}
          </a>
        )}
      </div>
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {failure}
        </p>
      )}
      {run && (
        <Turn run={run} version={run.version} context={null} stopping={false} />
      )}
    </div>
  );
}
