// The bar below a running `%%agent` view: stop, and the decision about a call that waits.
// Here: what it looks like. Not here: how the kernel is told (runview.ts).

import { stopIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useId, useRef, useState } from 'react';

import { visible } from '../rendering/markdown';
import type { ICellDecision, IRunControl, IWaitingCall } from './runcontrol';

/** How long a decision may take to show an effect before it can be made again. */
const EFFECT = 4000;

/** Whether the kernel can be spoken to: not known yet, yes, only interrupted, not at all. */
export type Reach = 'unknown' | 'linked' | 'interrupt' | 'lost';

export interface IRunBarProps {
  run: IRunControl;
  reach: Reach;
  trans: TranslationBundle;
  onStop: () => void;
  onInterrupt: () => void;
  onDecide: (call: IWaitingCall, made: ICellDecision) => void;
}

export function RunBar(props: IRunBarProps): JSX.Element {
  const { run, reach, trans, onStop, onInterrupt, onDecide } = props;
  const stop = useRef<HTMLButtonElement>(null);
  const decided = useRef(false);
  const call = reach === 'linked' ? run.approval : null;
  const callId = call?.callId;

  useEffect(() => {
    // The card from which something was decided has gone, and the focus with it.
    if (!callId && decided.current) {
      decided.current = false;
      stop.current?.focus();
    }
  }, [callId]);

  if (reach === 'lost') {
    return (
      <p className="jp-AnalystRun-note">
        {trans.__(
          'This page cannot reach the run: it was opened after the run began. While the kernel is busy, Kernel > Interrupt stops it.'
        )}
      </p>
    );
  }
  return (
    <div
      className="jp-AnalystRun-bar"
      role="group"
      aria-label={trans.__('The run of this cell')}
    >
      <span className="jp-Analyst-unseen" role="status">
        {call ? trans.__('A step waits for you: may its code run?') : ''}
      </span>
      {call && (
        <Card
          key={call.callId}
          call={call}
          trans={trans}
          refocus={decided}
          onDecide={made => {
            decided.current = true;
            onDecide(call, made);
          }}
        />
      )}
      <div className="jp-Analyst-buttons">
        <button
          ref={stop}
          type="button"
          className="jp-Analyst-button jp-mod-stop"
          onClick={run.stopping ? onInterrupt : onStop}
        >
          <stopIcon.react tag="span" aria-hidden="true" />
          {run.stopping ? trans.__('Interrupt the kernel') : trans.__('Stop')}
        </button>
        {run.stopping && (
          <span className="jp-Analyst-quiet">{trans.__('Stopping…')}</span>
        )}
        {run.approval && reach === 'interrupt' && (
          <span className="jp-Analyst-quiet">
            {trans.__('Answer in the input field below.')}
          </span>
        )}
      </div>
    </div>
  );
}

function Card(props: {
  call: IWaitingCall;
  trans: TranslationBundle;
  refocus: React.MutableRefObject<boolean>;
  onDecide: (made: ICellDecision) => void;
}): JSX.Element {
  const { call, trans, refocus, onDecide } = props;
  const id = useId();
  const [code, setCode] = useState(call.code);
  const [sent, setSent] = useState(false);
  const card = useRef<HTMLElement>(null);
  const editable = call.tool === 'python';
  const edited = editable && code !== call.code;
  const hidden = visible(call.code) !== call.code;

  useEffect(() => {
    // The one before it was decided here: its successor takes the focus that went with it.
    if (refocus.current) {
      refocus.current = false;
      card.current?.focus();
    }
  }, [refocus]);

  useEffect(() => {
    if (sent) {
      const timer = setTimeout(() => setSent(false), EFFECT);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [sent]);

  const decide = (made: ICellDecision) => {
    setSent(true);
    onDecide(made);
  };
  const button = (
    label: string,
    kind: string,
    onClick: () => void,
    disabled = sent
  ) => (
    <button
      type="button"
      className={`jp-Analyst-button ${kind}`}
      disabled={disabled}
      onClick={onClick}
    >
      {label}
    </button>
  );
  return (
    <section
      ref={card}
      tabIndex={-1}
      className="jp-AnalystRun-card"
      role="group"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-risk`}
    >
      <h3 id={`${id}-title`}>{trans.__('May this code run?')}</h3>
      <p id={`${id}-risk`}>{visible(call.risk)}</p>
      {hidden && (
        <p>
          {trans.__('The code holds characters that hide or reorder text.')}
        </p>
      )}
      <textarea
        aria-label={trans.__('Code that waits')}
        spellCheck={false}
        autoComplete="off"
        rows={Math.min(Math.max(code.split('\n').length, 2), 16)}
        value={editable ? code : visible(code)}
        readOnly={!editable || sent}
        onChange={event => setCode(event.target.value)}
      />
      <div className="jp-Analyst-buttons">
        {edited
          ? button(
              trans.__('Run as edited'),
              'jp-mod-primary',
              () => decide({ decision: 'edited', code }),
              sent || !code.trim()
            )
          : button(trans.__('Approve'), 'jp-mod-primary', () =>
              decide({ decision: 'approved' })
            )}
        {button(trans.__('Deny'), '', () => decide({ decision: 'denied' }))}
        {edited
          ? button(trans.__('Undo edits'), 'jp-mod-quiet', () =>
              setCode(call.code)
            )
          : button(
              trans.__('Always in this conversation'),
              'jp-mod-quiet',
              () => decide({ decision: 'approved', always: true })
            )}
      </div>
    </section>
  );
}
