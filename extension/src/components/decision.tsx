// The card by which a user decides about a call or a plan, or answers a question: in the panel
// and below a running cell alike. Not here: who is told of it (approval.tsx, runbar.tsx).

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useId, useState } from 'react';

import type { IAsked } from '../model/transcript';
import { visible } from '../rendering/markdown';

/** What was decided; `text` is what was edited, or the answer. */
export interface IMade {
  decision: 'approved' | 'denied' | 'edited';
  text?: string;
  always?: boolean;
}

export interface IDecisionProps {
  asked: IAsked;
  trans: TranslationBundle;
  /** Whether it asks for attention by itself, as in the panel. */
  role: 'alertdialog' | 'group';
  card: React.RefObject<HTMLElement>;
  /** What is being written, and where it is kept. */
  draft: string;
  onDraft: (text: string) => void;
  /** Whether a decision is on its way. */
  sent: boolean;
  onDecide: (made: IMade) => void;
}

export function Decision(props: IDecisionProps): JSX.Element {
  const { asked, trans, role, card } = props;
  const id = useId();
  const shown = [asked.text, asked.preview, ...Object.values(asked.more)];
  const hidden = shown.some(text => visible(text) !== text);
  return (
    <section
      ref={card}
      tabIndex={-1}
      className="jp-Analyst-decision"
      role={role}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-words`}
    >
      <h3 id={`${id}-title`}>{titleOf(asked, trans)}</h3>
      <p id={`${id}-words`} className="jp-Analyst-risk">
        {visible(asked.words)}
      </p>
      {hidden && (
        <p className="jp-Analyst-risk">
          {trans.__('The text holds characters that hide or reorder text.')}
        </p>
      )}
      {asked.kind === 'question' ? (
        <Answer {...props} />
      ) : (
        <Consent {...props} />
      )}
    </section>
  );
}

function titleOf(asked: IAsked, trans: TranslationBundle): string {
  switch (asked.kind) {
    case 'plan':
      return trans.__('Is this the way to go?');
    case 'question':
      return trans.__('A question for you');
    default:
      return asked.tool === 'python'
        ? trans.__('May this code run?')
        : trans.__('May %1 run?', visible(asked.tool));
  }
}

/** In a few words what a run waits for. */
export function waitingText(asked: IAsked, trans: TranslationBundle): string {
  return asked.kind === 'question'
    ? trans.__('Waiting for your answer')
    : trans.__('Waiting for your approval');
}

/** A call or a plan: as it is, as edited, or not. */
function Consent(props: IDecisionProps): JSX.Element {
  const { asked, trans, draft, onDraft, sent, onDecide } = props;
  const { text, editable, kind, more, preview } = asked;
  const edited = editable && draft !== text;
  const label =
    kind === 'plan'
      ? trans.__('The plan, one step a line')
      : trans.__('Code that waits');
  const others = Object.entries(more);
  return (
    <>
      {others.length > 0 && (
        <dl className="jp-Analyst-arguments">
          {others.map(([name, value]) => (
            <div key={name}>
              <dt>{visible(name)}</dt>
              <dd>{visible(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <textarea
        className="jp-Analyst-editor"
        data-kind={kind}
        aria-label={label}
        spellCheck={kind === 'plan'}
        autoComplete="off"
        rows={Math.min(Math.max(draft.split('\n').length, 2), 16)}
        value={editable ? draft : visible(text)}
        readOnly={!editable || sent}
        onChange={event => onDraft(event.target.value)}
      />
      {preview && (
        <pre
          className="jp-Analyst-preview"
          aria-label={trans.__('What would change')}
          tabIndex={0}
        >
          {visible(preview)}
        </pre>
      )}
      <div className="jp-Analyst-buttons">
        {edited ? (
          <Button
            kind="jp-mod-primary"
            disabled={sent || !draft.trim()}
            onClick={() => onDecide({ decision: 'edited', text: draft })}
          >
            {trans.__('Run as edited')}
          </Button>
        ) : (
          <Button
            kind="jp-mod-primary"
            disabled={sent}
            onClick={() => onDecide({ decision: 'approved' })}
          >
            {trans.__('Approve')}
          </Button>
        )}
        <Button
          disabled={sent}
          onClick={() => onDecide({ decision: 'denied' })}
        >
          {trans.__('Deny')}
        </Button>
        {edited ? (
          <Button
            kind="jp-mod-quiet"
            disabled={sent}
            onClick={() => onDraft(text)}
          >
            {trans.__('Undo edits')}
          </Button>
        ) : (
          asked.canAlways && (
            <Button
              kind="jp-mod-quiet"
              disabled={sent}
              title={trans.__('Do not ask again in this conversation')}
              onClick={() => onDecide({ decision: 'approved', always: true })}
            >
              {trans.__('Always in this conversation')}
            </Button>
          )
        )}
      </div>
    </>
  );
}

/** A question: one of its choices, or words of one's own. */
function Answer(props: IDecisionProps): JSX.Element {
  const { asked, trans, draft, onDraft, sent, onDecide } = props;
  const { choices } = asked;
  const name = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const answer = chosen ?? draft.trim();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        if (answer && !sent) {
          onDecide({ decision: 'approved', text: answer });
        }
      }}
    >
      {choices.length > 0 && (
        <fieldset className="jp-Analyst-choices" disabled={sent}>
          <legend className="jp-Analyst-unseen">{trans.__('Choices')}</legend>
          {choices.map((choice, at) => (
            <label key={at}>
              <input
                type="radio"
                name={name}
                checked={chosen === choice}
                onChange={() => setChosen(choice)}
              />
              <span>{visible(choice)}</span>
            </label>
          ))}
        </fieldset>
      )}
      <input
        type="text"
        className="jp-Analyst-ownWords"
        aria-label={trans.__('Your own words')}
        placeholder={
          choices.length > 0
            ? trans.__('Or in your own words')
            : trans.__('Your answer')
        }
        autoComplete="off"
        value={draft}
        readOnly={sent}
        onChange={event => {
          setChosen(null);
          onDraft(event.target.value);
        }}
      />
      <div className="jp-Analyst-buttons">
        <Button kind="jp-mod-primary" submits disabled={sent || !answer}>
          {trans.__('Answer')}
        </Button>
        <Button
          disabled={sent}
          onClick={() => onDecide({ decision: 'denied' })}
        >
          {trans.__('Let the agent decide')}
        </Button>
      </div>
    </form>
  );
}

function Button(
  props: React.PropsWithChildren<{
    kind?: string;
    submits?: boolean;
    disabled: boolean;
    title?: string;
    onClick?: () => void;
  }>
): JSX.Element {
  const { kind = '', submits = false, children, ...rest } = props;
  return (
    <button
      {...rest}
      type={submits ? 'submit' : 'button'}
      className={`jp-Analyst-button ${kind}`}
    >
      {children}
    </button>
  );
}
