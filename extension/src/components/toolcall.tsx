// A call of a tool: one line when it is done, code and outputs when unfolded.
// Charts and tables stay in sight. Not here: what waits for the user (approval.tsx).

import {
  checkIcon,
  copyIcon,
  caretDownIcon,
  editIcon,
  notebookIcon
} from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { memo, useState } from 'react';

import type { IStep } from '../model/transcript';
import { visible } from '../rendering/markdown';
import { useChanged, usePanel } from './context';
import { copyText } from './copy';
import { IconButton } from './icons';
import { isRich, Output } from './output';
import { Code, Markdown } from './rendered';

/** Whether a step was unfolded or folded by hand; kept while its turn is out of sight. */
const folds = new WeakMap<IStep, boolean>();

export const ToolCall = memo(function ToolCall(props: {
  step: IStep;
  version: number;
  /** Whether its tables stay in sight: those of a run's last step do. */
  tables: boolean;
}): JSX.Element {
  const { step, tables } = props;
  const { settings, trans } = usePanel();
  useChanged(settings.changed);
  const [chosen, setChosen] = useState(folds.get(step));
  const open =
    chosen ?? (step.status === null || settings.options.steps === 'open');
  const bodyId = `jp-Analyst-step-${step.key}`;
  const inSight = step.outputs.filter(
    shown => isRich(shown) && (tables || !isTable(shown.output))
  );
  const toggle = () => {
    folds.set(step, !open);
    setChosen(!open);
  };
  return (
    <section
      className="jp-Analyst-step"
      data-status={step.status ?? 'running'}
      aria-label={trans.__('Step %1', step.number)}
    >
      <button
        type="button"
        className="jp-Analyst-stepHead"
        aria-expanded={open}
        aria-controls={bodyId}
        onClick={toggle}
      >
        <caretDownIcon.react tag="span" className="jp-Analyst-caret" />
        <span className="jp-Analyst-stepTitle">{titleOf(step, trans)}</span>
        <span className="jp-Analyst-stepState">{stateOf(step, trans)}</span>
      </button>
      <div id={bodyId} className="jp-Analyst-stepBody" hidden={!open}>
        {open && <Body step={step} />}
      </div>
      {inSight.map(shown => (
        <Output key={shown.key} shown={shown} />
      ))}
      {open &&
        step.outputs
          .filter(shown => !inSight.includes(shown))
          .map(shown => <Output key={shown.key} shown={shown} />)}
    </section>
  );
});

function Body(props: { step: IStep }): JSX.Element {
  const { step } = props;
  const { trans } = usePanel();
  return (
    <>
      {step.prose && <Markdown text={step.prose} />}
      {step.decision && step.decidedBy === 'user' && (
        <p className="jp-Analyst-quiet">{decisionText(step, trans)}</p>
      )}
      {!step.awaitsUser && showsCode(step) && (
        <div className="jp-Analyst-codeBox">
          <Code code={visible(step.code)} language={step.language} />
          <CodeActions step={step} />
        </div>
      )}
      {!step.awaitsUser && step.preview && (
        <Code code={visible(step.preview)} language="diff" />
      )}
      {step.status === 'refused' && step.observation && (
        <p className="jp-Analyst-quiet">{step.observation}</p>
      )}
    </>
  );
}

/** Whether the code tells more than the question asked, or the change it makes. */
function showsCode(step: IStep): boolean {
  return (
    step.tool !== 'ask_user' && !(step.preview && step.language === 'json')
  );
}

function CodeActions(props: { step: IStep }): JSX.Element {
  const { step } = props;
  const { workspace, trans } = usePanel();
  const [copied, setCopied] = useState(false);
  const cells = step.language === 'python' ? workspace.cells : null;
  return (
    <div className="jp-Analyst-codeActions">
      <IconButton
        icon={copied ? checkIcon : copyIcon}
        label={copied ? trans.__('Copied') : trans.__('Copy code')}
        onClick={() => void copyText(step.code).then(setCopied)}
      />
      {cells?.target && (
        <IconButton
          icon={notebookIcon}
          label={trans.__('Insert as a cell into %1', cells.target)}
          onClick={() => void cells.insertCode(step.code, 'below')}
        />
      )}
      {cells?.replaceable && (
        <IconButton
          icon={editIcon}
          label={trans.__('Replace %1', cells.replaceable)}
          onClick={() => void cells.insertCode(step.code, 'replace')}
        />
      )}
    </div>
  );
}

/** In one line what a step is for: the model's words, a comment, or its first line. */
export function titleOf(step: IStep, trans: TranslationBundle): string {
  if (step.tool === 'recall') {
    return trans.__('Known from before; the code that computed it');
  }
  if (step.tool === 'ask_user') {
    const question = String(step.arguments.question ?? '');
    return trans.__('Asks you: %1', visible(question.slice(0, 140)));
  }
  const lines = step.code
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
  const comments = lines
    .filter(line => line.startsWith('#'))
    .map(line => line.replace(/^[# ]+/, ''));
  const acts = lines.filter(line => !/^(import |from |#)/.test(line));
  const sources = [step.prose, ...comments, ...acts, ...lines];
  const title = sources
    .map(source => source.trim().split('\n', 1)[0])
    .find(Boolean);
  return visible((title ?? step.tool).slice(0, 140));
}

function stateOf(step: IStep, trans: TranslationBundle): string {
  const words: Record<NonNullable<IStep['status']>, string> = {
    ok: '✓',
    error: trans.__('✗ failed'),
    timeout: trans.__('✗ out of time'),
    interrupted: trans.__('■ interrupted'),
    died: trans.__('✗ kernel died'),
    refused: trans.__('✗ not run')
  };
  const state = step.awaitsUser
    ? trans.__('waits for you')
    : step.status
      ? words[step.status]
      : trans.__('running…');
  return step.seconds === null
    ? state
    : `${state} · ${trans.__('%1 s', step.seconds.toFixed(1))}`;
}

function decisionText(step: IStep, trans: TranslationBundle): string {
  if (step.risk === null) {
    return step.said === null
      ? trans.__('You left it to the agent.')
      : trans.__('You said: %1', visible(step.said));
  }
  switch (step.decision) {
    case 'approved':
      return trans.__('You approved it: %1', step.risk);
    case 'edited':
      return trans.__('You changed it before it ran.');
    default:
      return trans.__('You denied it: %1', step.risk);
  }
}

function isTable(output: Record<string, unknown>): boolean {
  const mimes = Object.keys((output.data as object | null) ?? {});
  return (
    mimes.includes('text/html') &&
    mimes.every(mime => mime === 'text/html' || mime === 'text/plain')
  );
}
