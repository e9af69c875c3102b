// Offers of what can go along with a question, while something is typed after an `@`.

import React, { useCallback, useEffect, useRef, useState } from 'react';

import type { IContextItem } from '../tokens';
import { usePanel } from './context';

interface IOffer {
  group: string;
  item: IContextItem;
}

export interface IMentions {
  open: boolean;
  offers: IOffer[];
  /** Why some offers are missing. */
  problems: string[];
  active: number;
  choose: (offer: IOffer) => void;
  close: () => void;
  /** Look at the text before the cursor again. */
  refresh: () => void;
  /** Returns whether the key was for the offers. */
  onKeyDown: (event: React.KeyboardEvent) => boolean;
}

const MOST = 30;

/** What is typed after the last `@` before the cursor, and where that is. */
export function mentionAt(
  text: string,
  cursor: number
): { start: number; prefix: string } | null {
  const match = /(?:^|\s)@(\S{0,80})$/.exec(text.slice(0, cursor));
  return match
    ? { start: cursor - match[1].length - 1, prefix: match[1] }
    : null;
}

export function useMentions(
  area: React.RefObject<HTMLTextAreaElement>,
  text: string,
  onChosen: (text: string, item: IContextItem) => void
): IMentions {
  const { workspace } = usePanel();
  const { providers } = workspace;
  const [offers, setOffers] = useState<IOffer[]>([]);
  const [problems, setProblems] = useState<string[]>([]);
  const [active, setActive] = useState(0);
  const asked = useRef(0);

  const close = useCallback(() => {
    asked.current += 1;
    setOffers([]);
    setProblems([]);
  }, []);

  const refresh = useCallback(() => {
    const node = area.current;
    const mention =
      node && node.selectionStart === node.selectionEnd
        ? mentionAt(node.value, node.selectionEnd)
        : null;
    if (!mention) {
      close();
      return;
    }
    const ticket = ++asked.current;
    const found: IOffer[][] = providers.map(() => []);
    let answers = 0;
    providers.forEach(async (provider, at) => {
      const items = await provider.complete(mention.prefix).catch(() => []);
      found[at] = items.map(item => ({ group: provider.label, item }));
      answers += 1;
      // What is there is offered while a slow one still looks; nothing flickers away meanwhile.
      if (
        ticket === asked.current &&
        (items.length || answers === found.length)
      ) {
        setOffers(found.flat().slice(0, MOST));
        setProblems(providers.flatMap(one => one.problem ?? []));
        setActive(0);
      }
    });
  }, [area, providers, close]);

  // Also when providers come that were not there yet as the panel started.
  useEffect(() => refresh(), [text, refresh]);

  const choose = (offer: IOffer) => {
    const cursor = area.current?.selectionEnd ?? text.length;
    const mention = mentionAt(text, cursor);
    if (mention) {
      const rest = text.slice(cursor);
      onChosen(text.slice(0, mention.start) + rest, offer.item);
    }
    close();
    area.current?.focus();
  };

  const onKeyDown = (event: React.KeyboardEvent): boolean => {
    if (offers.length === 0) {
      return false;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      setActive((active + step + offers.length) % offers.length);
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      choose(offers[active]);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  };

  return {
    open: offers.length > 0,
    offers,
    problems,
    active,
    choose,
    close,
    refresh,
    onKeyDown
  };
}

export function Mentions(props: {
  state: IMentions;
  id: string;
}): JSX.Element | null {
  const { state, id } = props;
  const { trans } = usePanel();
  if (!state.open) {
    return <Problems problems={state.problems} />;
  }
  return (
    <>
      <Problems problems={state.problems} />
      <ul
        id={`${id}-offers`}
        className="jp-Analyst-offers"
        role="listbox"
        aria-label={trans.__('What can go along')}
      >
        {state.offers.map((offer, at) => (
          <li
            key={JSON.stringify(offer.item.reference)}
            id={`${id}-offer-${at}`}
            role="option"
            aria-selected={at === state.active}
            // Not on click: the input must keep the cursor.
            onMouseDown={event => {
              event.preventDefault();
              state.choose(offer);
            }}
          >
            <span className="jp-Analyst-chipText">{offer.item.label}</span>
            <span className="jp-Analyst-quiet">
              {offer.item.detail ?? offer.group}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Why less is offered than there may be. */
function Problems(props: { problems: string[] }): JSX.Element {
  return (
    <div role="status">
      {props.problems.map(problem => (
        <p key={problem} className="jp-Analyst-quiet">
          {problem}
        </p>
      ))}
    </div>
  );
}
