// Where a question is written: text that grows, chips of what goes along, send and stop.
// Offers for an `@` come from context providers (mentions.tsx).

import { addIcon, stopIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useId, useRef, useState } from 'react';

import { ConversationModel } from '../model/conversation';
import type { IContextItem } from '../tokens';
import { ContextChips } from './chips';
import { useChanged, usePanel } from './context';
import { IconButton } from './icons';
import { Mentions, useMentions } from './mentions';

export function Composer(props: {
  conversation: ConversationModel | null;
}): JSX.Element {
  const { conversation } = props;
  const { workspace, settings, trans } = usePanel();
  useChanged(conversation?.changed);
  useChanged(settings.changed);
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(workspace.draft.text);
  const [context, setContext] = useState(workspace.draft.context);
  const [failure, setFailure] = useState<string | null>(null);
  const busy = conversation?.busy ?? false;
  const stopping = conversation?.stopping ?? false;
  const refusal = failure ?? conversation?.refusal ?? null;
  const { enterSends } = settings.options;

  useEffect(() => {
    workspace.keepDraft({ text, context });
  }, [workspace, text, context]);

  useEffect(() => {
    const focus = () => area.current?.focus();
    const put = (_: unknown, draft: typeof workspace.draft) => {
      setText(draft.text);
      setContext(draft.context);
    };
    workspace.draftPut.connect(put);
    workspace.focusRequested.connect(focus);
    return () => {
      workspace.draftPut.disconnect(put);
      workspace.focusRequested.disconnect(focus);
    };
  }, [workspace]);

  useEffect(() => {
    const node = area.current;
    if (node) {
      node.style.height = 'auto';
      if (node.scrollHeight > 0) {
        // In a hidden panel nothing has a height.
        node.style.height = `${node.scrollHeight}px`;
      }
    }
  }, [text]);

  const add = (item: IContextItem) => {
    const key = JSON.stringify(item.reference);
    if (!context.some(one => JSON.stringify(one.reference) === key)) {
      setContext([...context, item]);
    }
  };
  const mentions = useMentions(area, text, (next, item) => {
    setText(next);
    add(item);
  });

  const send = async () => {
    const question = text.trim();
    if (!question || busy) {
      return;
    }
    setText('');
    setContext([]);
    setFailure(null);
    area.current?.focus();
    conversation?.dismissRefusal();
    const sent = await workspace
      .ask(question, context, settings.overrides)
      .catch((error: Error) => {
        setFailure(error.message);
        return false;
      });
    if (!sent) {
      // What was refused can be put right and sent again.
      workspace.putDraft({ text: question, context });
    }
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing || mentions.onKeyDown(event)) {
      return;
    }
    if (event.key !== 'Enter' || event.altKey || event.shiftKey) {
      return;
    }
    if (enterSends || event.ctrlKey || event.metaKey) {
      event.preventDefault();
      void send();
    }
  };

  const startMention = () => {
    const at = area.current?.selectionEnd ?? text.length;
    const gap = at > 0 && !/\s/.test(text[at - 1]) ? ' @' : '@';
    setText(text.slice(0, at) + gap + text.slice(at));
    area.current?.focus();
    requestAnimationFrame(() => {
      area.current?.setSelectionRange(at + gap.length, at + gap.length);
      mentions.refresh();
    });
  };

  return (
    <form
      className="jp-Analyst-composer"
      data-busy={busy}
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      {refusal && (
        <p className="jp-Analyst-notice" role="alert">
          {refusal}
          <button
            type="button"
            className="jp-Analyst-link"
            onClick={() => {
              setFailure(null);
              conversation?.dismissRefusal();
            }}
          >
            {trans.__('Dismiss')}
          </button>
        </p>
      )}
      <Mentions state={mentions} id={id} />
      <div className="jp-Analyst-inputBox">
        <ContextChips
          items={context}
          remove={item => setContext(context.filter(one => one !== item))}
        />
        <textarea
          ref={area}
          rows={1}
          value={text}
          placeholder={trans.__('Ask about your data')}
          aria-label={trans.__('Question')}
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={mentions.open}
          aria-controls={`${id}-offers`}
          aria-activedescendant={
            mentions.open ? `${id}-offer-${mentions.active}` : undefined
          }
          onChange={event => setText(event.target.value)}
          onSelect={mentions.refresh}
          onFocus={mentions.refresh}
          onBlur={mentions.close}
          onKeyDown={onKeyDown}
        />
        <div className="jp-Analyst-inputRow">
          {workspace.providers.length > 0 && (
            <IconButton
              icon={addIcon}
              label={trans.__('Add a table, a file or a finding (@)')}
              onClick={startMention}
            />
          )}
          <span className="jp-Analyst-hint">
            {enterSends
              ? trans.__('Shift+Enter for a new line')
              : trans.__('Ctrl+Enter sends')}
          </span>
          {busy ? (
            <button
              key="stop"
              type="button"
              className="jp-Analyst-button jp-mod-stop"
              disabled={stopping}
              onClick={() => void conversation?.stop()}
            >
              <stopIcon.react tag="span" aria-hidden="true" />
              {stopping ? trans.__('Stopping…') : trans.__('Stop')}
            </button>
          ) : (
            <button
              key="ask"
              type="submit"
              className="jp-Analyst-button jp-mod-primary"
              disabled={!text.trim()}
            >
              {trans.__('Ask')}
            </button>
          )}
        </div>
      </div>
    </form>
  );
}
