// Asks the user about a call: what it risks, its code, which can be edited, and the decision.

import React, { useEffect, useId, useRef, useState } from 'react';

import type { IDecision } from '../model/api';
import type { IStep } from '../model/transcript';
import { visible } from '../rendering/markdown';
import { usePanel } from './context';

/** What was edited of a call that still waits, should its card be drawn anew. */
const edits = new WeakMap<IStep, string>();

export function Approval(props: { step: IStep }): JSX.Element {
  const { step } = props;
  const { workspace, trans } = usePanel();
  const id = useId();
  const [code, setCode] = useState(edits.get(step) ?? step.code);
  const [sent, setSent] = useState(false);
  const card = useRef<HTMLElement>(null);
  const editable = step.language === 'python';
  const edited = editable && code !== step.code;
  const hidden = visible(step.code) !== step.code;

  useEffect(() => {
    // To the card and not to a button: a key that was meant for something else decides nothing.
    // Only from where the user waits for the answer, and not out of a half-written question.
    const focused = document.activeElement;
    const writes =
      focused instanceof HTMLTextAreaElement && focused.value !== '';
    if (
      focused === document.body ||
      (focused?.closest('.jp-Analyst') && !writes)
    ) {
      card.current?.focus();
    }
  }, []);

  const decide = async (decision: IDecision['decision'], always = false) => {
    setSent(true);
    const made: IDecision =
      decision === 'edited' ? { decision, code, always } : { decision, always };
    const done = await workspace.current?.decide(step.callId, made);
    setSent(done ?? false);
  };
  const change = (text: string) => {
    edits.set(step, text);
    setCode(text);
  };

  return (
    <section
      ref={card}
      tabIndex={-1}
      className="jp-Analyst-approval"
      role="alertdialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-risk`}
    >
      <h3 id={`${id}-title`}>{trans.__('May this code run?')}</h3>
      <p id={`${id}-risk`} className="jp-Analyst-risk">
        {step.risk}
      </p>
      {hidden && (
        <p className="jp-Analyst-risk">
          {trans.__('The code holds characters that hide or reorder text.')}
        </p>
      )}
      <textarea
        className="jp-Analyst-editor"
        aria-label={trans.__('Code that waits')}
        spellCheck={false}
        autoComplete="off"
        rows={Math.min(Math.max(code.split('\n').length, 2), 16)}
        value={editable ? code : visible(code)}
        readOnly={!editable || sent}
        onChange={event => change(event.target.value)}
      />
      <div className="jp-Analyst-buttons">
        {edited ? (
          <button
            type="button"
            className="jp-Analyst-button jp-mod-primary"
            disabled={sent}
            onClick={() => void decide('edited')}
          >
            {trans.__('Run as edited')}
          </button>
        ) : (
          <button
            type="button"
            className="jp-Analyst-button jp-mod-primary"
            disabled={sent}
            onClick={() => void decide('approved')}
          >
            {trans.__('Approve')}
          </button>
        )}
        <button
          type="button"
          className="jp-Analyst-button"
          disabled={sent}
          onClick={() => void decide('denied')}
        >
          {trans.__('Deny')}
        </button>
        {edited ? (
          <button
            type="button"
            className="jp-Analyst-button jp-mod-quiet"
            disabled={sent}
            onClick={() => change(step.code)}
          >
            {trans.__('Undo edits')}
          </button>
        ) : (
          <button
            type="button"
            className="jp-Analyst-button jp-mod-quiet"
            disabled={sent}
            title={trans.__('Do not ask again in this conversation')}
            onClick={() => void decide('approved', true)}
          >
            {trans.__('Always in this conversation')}
          </button>
        )}
      </div>
    </section>
  );
}
