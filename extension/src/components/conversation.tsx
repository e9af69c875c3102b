// The conversation that is shown: its turns, of which those far out of sight are only held
// open, the connection's state, and what a screen reader is told. Not here: one turn.

import { TranslationBundle } from '@jupyterlab/translation';
import React, {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import { ConversationModel } from '../model/conversation';
import type { ITranscript } from '../model/transcript';
import { marked } from '../rendering/ungrounded';
import { labelOf } from './chips';
import { Composer } from './composer';
import { useChanged, usePanel } from './context';
import { waitingText } from './decision';
import { Question, Turn } from './turn';
import { Welcome } from './welcome';

export function Conversation(): JSX.Element {
  const { workspace } = usePanel();
  const { current } = workspace;
  return (
    <div className="jp-Analyst-conversation">
      {current ? (
        <Log key={current.id} conversation={current} />
      ) : (
        <div className="jp-Analyst-scroll">
          <Welcome />
        </div>
      )}
      <Composer conversation={current} />
    </div>
  );
}

function Log(props: { conversation: ConversationModel }): JSX.Element {
  const { conversation } = props;
  const { trans } = usePanel();
  useChanged(conversation.changed);
  const { scroller, content, pinned, pin } = usePinned();
  const { runs, pending, stopping } = conversation;
  const asked = runs.length + (pending ? 1 : 0);

  // A question of one's own is always worth seeing.
  useLayoutEffect(() => pin(), [asked, pin]);

  return (
    <>
      <Connection conversation={conversation} />
      <div className="jp-Analyst-scroll" ref={scroller}>
        <div
          ref={content}
          role="log"
          aria-live="off"
          aria-label={trans.__('Conversation')}
        >
          {asked === 0 && conversation.state !== 'connecting' && <Welcome />}
          {runs.map((run, at) => (
            <Near key={run.runId} always={at >= runs.length - 2} run={run}>
              <Turn
                run={run}
                version={run.version}
                context={conversation.contextOf(run.runId)}
                stopping={stopping && run.status === null}
              />
            </Near>
          ))}
          {pending && (
            <article className="jp-Analyst-turn">
              <Question
                text={pending.question}
                items={pending.context.map(reference => ({
                  reference,
                  label: labelOf(reference)
                }))}
                actions={null}
              />
              <p className="jp-Analyst-activity">
                <span className="jp-Analyst-pulse" aria-hidden="true" />
                {trans.__('Starting…')}
              </p>
            </article>
          )}
        </div>
      </div>
      {!pinned && (
        <button type="button" className="jp-Analyst-latest" onClick={pin}>
          {trans.__('Latest')} ↓
        </button>
      )}
      <Announcements conversation={conversation} />
    </>
  );
}

interface IPinned {
  scroller: React.RefObject<HTMLDivElement>;
  content: React.RefObject<HTMLDivElement>;
  /** Whether the end is in sight, and stays so while the content grows. */
  pinned: boolean;
  pin: () => void;
}

function usePinned(): IPinned {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const [pinned, setPinned] = useState(true);

  const pin = useCallback(() => {
    const node = scroller.current;
    sticks.current = true;
    setPinned(true);
    if (node) {
      node.scrollTop = node.scrollHeight;
    }
  }, []);

  useEffect(() => {
    const node = scroller.current;
    const inner = content.current;
    if (!node || !inner) {
      return;
    }
    let top = node.scrollTop;
    const onScroll = () => {
      const left = node.scrollHeight - node.scrollTop - node.clientHeight;
      // Only a movement upwards lets go: what grows below moves nothing.
      if (left < 40) {
        sticks.current = true;
      } else if (node.scrollTop < top - 1) {
        sticks.current = false;
      }
      top = node.scrollTop;
      setPinned(sticks.current);
    };
    const observer = new ResizeObserver(() => {
      if (sticks.current) {
        node.scrollTop = node.scrollHeight;
      }
    });
    observer.observe(inner);
    observer.observe(node);
    node.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      node.removeEventListener('scroll', onScroll);
    };
  }, []);

  return { scroller, content, pinned, pin };
}

/** Draws its turn only near the viewport; elsewhere its height is kept. */
function Near(
  props: React.PropsWithChildren<{ run: ITranscript; always: boolean }>
): JSX.Element {
  const { run, always, children } = props;
  const host = useRef<HTMLDivElement>(null);
  const height = useRef(160);
  const [near, setNear] = useState(always);
  const shown = near || always;

  useEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => {
        const entry = entries[entries.length - 1];
        if (!entry.isIntersecting && entry.boundingClientRect.height > 0) {
          height.current = entry.boundingClientRect.height;
        }
        setNear(entry.isIntersecting);
      },
      { root: node.closest('.jp-Analyst-scroll'), rootMargin: '1500px 0px' }
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  return (
    <div
      ref={host}
      className="jp-Analyst-near"
      style={shown ? undefined : { height: height.current }}
    >
      {shown ? children : <p className="jp-Analyst-quiet">{run.question}</p>}
    </div>
  );
}

function Connection(props: {
  conversation: ConversationModel;
}): JSX.Element | null {
  const { conversation } = props;
  const { workspace, trans } = usePanel();
  switch (conversation.state) {
    case 'lost':
      return (
        <div className="jp-Analyst-notice" role="status">
          {trans.__('The connection to the server is lost; trying again…')}
          <button
            type="button"
            className="jp-Analyst-link"
            onClick={() => conversation.reconnect()}
          >
            {trans.__('Now')}
          </button>
        </div>
      );
    case 'gone':
      return (
        <div className="jp-Analyst-notice" role="status">
          {trans.__('This conversation was deleted.')}
          <button
            type="button"
            className="jp-Analyst-link"
            onClick={() => workspace.startAnew()}
          >
            {trans.__('Begin another')}
          </button>
        </div>
      );
    case 'refused':
      return (
        <div className="jp-Analyst-notice" role="alert">
          {trans.__('The server wants you to log in again: reload the page.')}
        </div>
      );
    default:
      return null;
  }
}

/** Tells screen readers of what is finished or waits, not of every word. */
function Announcements(props: {
  conversation: ConversationModel;
}): JSX.Element {
  const { conversation } = props;
  const { trans } = usePanel();
  const last = useRef(conversation.running?.runId ?? null);
  const { running, runs } = conversation;
  let text = '';
  if (conversation.waiting.length > 0) {
    text = waitingText(conversation.waiting[0], trans);
  } else if (running) {
    last.current = running.runId;
  } else {
    const ended = runs[runs.length - 1];
    // Only of a run that was seen going on: old ones are no news.
    text = ended && ended.runId === last.current ? endText(ended, trans) : '';
  }
  return (
    <div className="jp-Analyst-unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}

function endText(run: ITranscript, trans: TranslationBundle): string {
  return run.answer === null
    ? trans.__('The run ended without an answer.')
    : trans.__('Answer: %1', marked(run.answer, run.ungrounded).slice(0, 600));
}
