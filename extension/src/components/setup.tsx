// Which model answers and why, what keeps a run from starting, and putting that right.
// Choosing an endpoint is in endpoint.tsx.

import React, { useEffect, useState } from 'react';

import type { IPull, IStatus } from '../model/api';
import { isUsable } from '../model/workspace';
import { usePanel } from './context';
import { Endpoint } from './endpoint';

const POLL = 700;

export function Setup(): JSX.Element {
  const { workspace, trans } = usePanel();
  const { status, failure } = workspace;

  useEffect(() => {
    void workspace.refreshStatus();
  }, [workspace]);

  return (
    <div className="jp-Analyst-page jp-Analyst-setup">
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {trans.__('The analyst’s server cannot be asked: %1', failure)}
        </p>
      )}
      {status && (
        <>
          <State status={status} />
          <Embedded status={status} />
          <Endpoint />
        </>
      )}
    </div>
  );
}

function State(props: { status: IStatus }): JSX.Element {
  const { status } = props;
  const { workspace, trans } = usePanel();
  const usable = isUsable(status);
  return (
    <section aria-label={trans.__('State')}>
      <h2>{usable ? trans.__('Ready') : trans.__('Something is missing')}</h2>
      {status.missing.map(sentence => (
        <p key={sentence} className="jp-Analyst-remark" data-level="warning">
          {sentence}
        </p>
      ))}
      <dl className="jp-Analyst-facts">
        <dt>{trans.__('Model')}</dt>
        <dd>{status.model.model ?? trans.__('none')}</dd>
        {status.model.reason && (
          <>
            <dt>{trans.__('Why')}</dt>
            <dd>{status.model.reason}</dd>
          </>
        )}
        {status.model.base_url && (
          <>
            <dt>{trans.__('Address')}</dt>
            <dd>{status.model.base_url}</dd>
          </>
        )}
        <dt>{trans.__('Isolation')}</dt>
        <dd>{status.isolation.words}</dd>
        <dt>{trans.__('Version')}</dt>
        <dd>{status.version}</dd>
      </dl>
      {usable && (
        <button
          type="button"
          className="jp-Analyst-button jp-mod-primary"
          onClick={() => workspace.show('conversation')}
        >
          {trans.__('Ask a question')}
        </button>
      )}
    </section>
  );
}

function Embedded(props: { status: IStatus }): JSX.Element {
  const { embedded, model } = props.status;
  const { workspace, trans } = usePanel();
  const [pull, setPull] = useState<IPull | null>(null);
  const [failure, setFailure] = useState('');
  const here = !['absent', 'partial', 'wrong size'].includes(embedded.state);
  const pulling = pull?.state === 'running';

  // A fetch goes on in the server whether it is looked at or not.
  useEffect(() => {
    let wanted = true;
    void workspace.api
      .pull()
      .then(found => wanted && setPull(found))
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [workspace]);

  useEffect(() => {
    if (!pulling) {
      return;
    }
    const timer = setInterval(() => {
      void workspace.api
        .pull()
        .then(found => {
          setPull(found);
          if (found.state !== 'running') {
            void workspace.refreshStatus();
          }
        })
        .catch(() => undefined);
    }, POLL);
    return () => clearInterval(timer);
  }, [workspace, pulling]);

  const attempt = (work: Promise<void>) => {
    setFailure('');
    void work.catch((error: Error) => setFailure(error.message));
  };
  const begin = () =>
    attempt(workspace.api.beginPull().then(found => setPull(found)));
  const choose = () =>
    attempt(
      workspace.api
        .chooseModel({ model: 'embedded', base_url: null })
        .then(() => workspace.refreshStatus())
    );

  return (
    <section aria-label={trans.__('On this machine')}>
      <h2>{trans.__('On this machine')}</h2>
      <p>
        {here
          ? trans.__('%1 is here; nothing leaves this machine.', embedded.title)
          : trans.__(
              '%1 runs without a key; nothing leaves this machine. It has to be fetched once (%2 GB).',
              embedded.title,
              (embedded.total / 1e9).toFixed(1)
            )}
      </p>
      {pulling && <Progress pull={pull} />}
      {pull?.state === 'failed' && !here && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {pull.message}
        </p>
      )}
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {failure}
        </p>
      )}
      {!here && !pulling && (
        <button
          type="button"
          className="jp-Analyst-button jp-mod-primary"
          onClick={begin}
        >
          {embedded.state === 'partial'
            ? trans.__('Go on fetching')
            : trans.__('Fetch it')}
        </button>
      )}
      {!model.embedded && (
        <button type="button" className="jp-Analyst-button" onClick={choose}>
          {trans.__('Use it')}
        </button>
      )}
    </section>
  );
}

function Progress(props: { pull: IPull }): JSX.Element {
  const { pull } = props;
  const { trans } = usePanel();
  const percent =
    pull.total > 0 ? Math.floor((100 * pull.done) / pull.total) : 0;
  return (
    <div className="jp-Analyst-progress">
      <progress
        max={pull.total}
        value={pull.done}
        aria-label={trans.__('Fetching the model')}
      />
      <span>
        {trans.__(
          '%1 % of %2 MB',
          percent,
          Math.round(pull.total / 1e6).toLocaleString()
        )}
        {pull.stage ? ` · ${pull.stage}` : ''}
      </span>
    </div>
  );
}
