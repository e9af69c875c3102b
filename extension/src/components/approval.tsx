// What waits for the user, in the panel: the card, the focus, and telling the server.
// Not here: the card itself (decision.tsx).

import React, { useLayoutEffect, useRef, useState } from 'react';

import type { IAsked } from '../model/transcript';
import { usePanel } from './context';
import { Decision, IMade } from './decision';

/** What was written in a card that still waits, should it be drawn anew. */
const drafts = new WeakMap<IAsked, string>();

export function Approval(props: { asked: IAsked }): JSX.Element {
  const { asked } = props;
  const { workspace, trans } = usePanel();
  const [draft, setDraft] = useState(drafts.get(asked) ?? asked.text);
  const [sent, setSent] = useState(false);
  const card = useRef<HTMLElement>(null);

  // Before it is seen: later it could take the focus from whoever already writes in the card.
  useLayoutEffect(() => {
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

  const decide = async (made: IMade) => {
    setSent(true);
    const done = await workspace.current?.decide(asked.callId, made);
    setSent(done ?? false);
  };
  return (
    <Decision
      asked={asked}
      trans={trans}
      role="alertdialog"
      card={card}
      draft={draft}
      onDraft={text => {
        drafts.set(asked, text);
        setDraft(text);
      }}
      sent={sent}
      onDecide={made => void decide(made)}
    />
  );
}
