// The bar below a running `%%agent` view: stop, and the card of what waits for the user.
// Here: what it looks like. Not here: the card itself (../components/decision.tsx), and how the
// kernel is told (runview.ts).

import { stopIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { Decision, IMade, waitingText } from '../components/decision';
import type { IAsked } from '../model/transcript';
import type { IRunControl } from './runcontrol';

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
  onDecide: (asked: IAsked, made: IMade) => void;
}

export function RunBar(props: IRunBarProps): JSX.Element {
  const { run, reach, trans, onStop, onInterrupt, onDecide } = props;
  const stop = useRef<HTMLButtonElement>(null);
  const decided = useRef(false);
  const asked = reach === 'linked' ? run.approval : null;
  const callId = asked?.callId;

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
        {asked ? waitingText(asked, trans) : ''}
      </span>
      {asked && (
        <Card
          key={asked.callId}
          asked={asked}
          trans={trans}
          refocus={decided}
          onDecide={made => {
            decided.current = true;
            onDecide(asked, made);
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
  asked: IAsked;
  trans: TranslationBundle;
  refocus: React.MutableRefObject<boolean>;
  onDecide: (made: IMade) => void;
}): JSX.Element {
  const { asked, trans, refocus, onDecide } = props;
  const [draft, setDraft] = useState(asked.text);
  const [sent, setSent] = useState(false);
  const card = useRef<HTMLElement>(null);

  useLayoutEffect(() => {
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

  return (
    <Decision
      asked={asked}
      trans={trans}
      role="group"
      card={card}
      draft={draft}
      onDraft={setDraft}
      sent={sent}
      onDecide={made => {
        setSent(true);
        onDecide(made);
      }}
    />
  );
}
