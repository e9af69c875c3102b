// One run: the question, what the agent does for it, the answer, and what can be done with it.

import {
  checkIcon,
  copyIcon,
  editIcon,
  notebookIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { memo, useState } from 'react';

import type { ContextReference } from '../model/api';
import { draftOf } from '../model/transcript';
import type { ITranscript } from '../model/transcript';
import { lastCode, visible } from '../rendering/markdown';
import { legend, markedWithLegend } from '../rendering/ungrounded';
import type { IContextItem } from '../tokens';
import { Approval } from './approval';
import { ContextChips, DataChips, labelOf } from './chips';
import { usePanel } from './context';
import { copyText } from './copy';
import { waitingText } from './decision';
import { IconButton } from './icons';
import { Items } from './items';
import { Plan } from './plan';
import { Code, Markdown } from './rendered';
import { Usage } from './usage';

interface ITurnProps {
  run: ITranscript;
  version: number;
  /** What went along, as far as is known; null in a run that is only looked at. */
  context: readonly ContextReference[] | null;
  stopping: boolean;
}

export const Turn = memo(function Turn(props: ITurnProps): JSX.Element {
  const { run, context, stopping } = props;
  const { trans } = usePanel();
  const answered = run.answer === null ? run.items.length : run.answeredAt;
  const items = chipsOf(run, context ?? []);
  return (
    <article
      className="jp-Analyst-turn"
      aria-label={visible(run.question).slice(0, 200)}
    >
      <Question
        text={run.question}
        items={items}
        data={run.data}
        actions={
          context && run.status !== null ? (
            <QuestionActions run={run} items={items} />
          ) : null
        }
      />
      <Plan run={run} />
      <Items run={run} items={run.items.slice(0, answered)} live={!!context} />
      <Draft run={run} />
      {context &&
        run.waiting.map(asked => <Approval key={asked.callId} asked={asked} />)}
      {run.answer !== null && <Answer run={run} />}
      <Items run={run} items={run.items.slice(answered)} live={!!context} />
      {run.status === null ? (
        <p className="jp-Analyst-activity">
          <span className="jp-Analyst-pulse" aria-hidden="true" />
          {stopping ? trans.__('Stopping…') : activityOf(run, trans)}
        </p>
      ) : (
        <End run={run} />
      )}
      <Footer run={run} version={run.version} actions={context !== null} />
    </article>
  );
});

/** The question as the user asked it, with what goes along. */
export function Question(props: {
  text: string;
  items: readonly IContextItem[];
  data?: ITranscript['data'];
  actions: React.ReactNode;
}): JSX.Element {
  const { text, items, data } = props;
  return (
    <header className="jp-Analyst-question">
      <p>{visible(text)}</p>
      {items.length > 0 ? (
        <ContextChips items={items} />
      ) : (
        <DataChips data={data ?? []} />
      )}
      {props.actions}
    </header>
  );
}

function QuestionActions(props: {
  run: ITranscript;
  items: IContextItem[];
}): JSX.Element {
  const { run, items } = props;
  const { workspace, settings, trans } = usePanel();
  const ask = () => void workspace.ask(run.question, items, settings.overrides);
  return (
    <div className="jp-Analyst-questionActions">
      <IconButton
        icon={editIcon}
        label={trans.__('Edit and ask again')}
        onClick={() =>
          workspace.putDraft({ text: run.question, context: items })
        }
      />
      <IconButton
        icon={refreshIcon}
        label={trans.__('Ask again')}
        disabled={workspace.current?.busy}
        onClick={ask}
      />
    </div>
  );
}

/** The reply that is being generated. */
function Draft(props: { run: ITranscript }): JSX.Element | null {
  const { run } = props;
  if (run.status !== null || !run.streaming) {
    return null;
  }
  const { prose, code, answer } = draftOf(run.streaming);
  return (
    <div className="jp-Analyst-draft" aria-hidden="true">
      {prose && <Markdown text={prose} />}
      {code && <Code code={visible(code)} language="python" />}
      {answer && <Markdown text={answer} />}
    </div>
  );
}

function Answer(props: { run: ITranscript }): JSX.Element {
  const { run } = props;
  const { trans } = usePanel();
  const text = run.answer ?? '';
  const told = legend(text, run.ungrounded, trans);
  const values = Object.entries(run.values)
    .map(([name, value]) => [name, valueText(value)])
    .filter(([name, value]) => !text.includes(`${name} = ${value}`));
  return (
    <div className="jp-Analyst-answer">
      <Markdown text={text} ungrounded={run.ungrounded} />
      {told && (
        <p className="jp-Analyst-legend" role="note">
          {visible(told)}
        </p>
      )}
      {values.length > 0 && (
        <table className="jp-Analyst-values">
          <tbody>
            {values.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function valueText(value: unknown): string {
  const text =
    typeof value === 'number'
      ? String(Number(value.toPrecision(12)))
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
  return visible(text.slice(0, 200));
}

/** How a run ended that did not end well. */
function End(props: { run: ITranscript }): JSX.Element | null {
  const { run } = props;
  const { trans } = usePanel();
  if (run.status === 'ok' || run.status === null) {
    return null;
  }
  const words = {
    partial: trans.__('Not finished'),
    error: trans.__('Failed'),
    stopped: trans.__('Stopped')
  };
  return (
    <p
      className="jp-Analyst-remark"
      data-level={run.status === 'error' ? 'error' : 'warning'}
    >
      {run.reason
        ? `${words[run.status]}: ${visible(run.reason)}`
        : `${words[run.status]}.`}
    </p>
  );
}

function Footer(props: {
  run: ITranscript;
  version: number;
  actions: boolean;
}): JSX.Element {
  const { run, version, actions } = props;
  const { workspace, settings, trans } = usePanel();
  const [copied, setCopied] = useState(false);
  const { cells } = workspace;
  const answer = run.answer;
  const code = answer === null ? null : lastCode(answer);
  const told = markedWithLegend(answer ?? '', run.ungrounded, trans);
  return (
    <footer className="jp-Analyst-footer">
      {settings.options.showUsage && <Usage run={run} version={version} />}
      {answer !== null && (
        <span className="jp-Analyst-footerActions">
          <IconButton
            icon={copied ? checkIcon : copyIcon}
            label={copied ? trans.__('Copied') : trans.__('Copy answer')}
            onClick={() => void copyText(told).then(setCopied)}
          />
          {actions && cells?.target && (
            <IconButton
              icon={notebookIcon}
              label={trans.__('Insert the answer into %1', cells.target)}
              onClick={() => void cells.insertAnswer(told, 'below', run)}
            />
          )}
          {actions && code !== null && cells?.replaceable && (
            <IconButton
              icon={editIcon}
              label={trans.__('Replace %1', cells.replaceable)}
              onClick={() => void cells.insertCode(code, 'replace')}
            />
          )}
        </span>
      )}
    </footer>
  );
}

function activityOf(run: ITranscript, trans: TranslationBundle): string {
  const last = run.steps[run.steps.length - 1];
  if (!run.started) {
    return trans.__('Starting…');
  }
  if (run.waiting.length > 0) {
    return waitingText(run.waiting[0], trans);
  }
  if (last && last.status === null) {
    return trans.__('Step %1 is running…', last.number);
  }
  if (!run.isolation && run.request === null) {
    return trans.__('Getting ready…');
  }
  return run.streaming
    ? trans.__('The model is writing…')
    : trans.__('The model is reading…');
}

/** Chips of what went along: as it was asked here, else as the run itself tells. */
function chipsOf(
  run: ITranscript,
  context: readonly ContextReference[]
): IContextItem[] {
  const shapes = new Map(run.data.map(one => [one.name, one]));
  return context.map(reference => {
    const label = labelOf(reference);
    const shape = shapes.get(label);
    const detail =
      shape && shape.rows !== null
        ? `${shape.rows} × ${shape.columns}`
        : undefined;
    return { reference, label, detail };
  });
}
