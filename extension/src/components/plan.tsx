// The plan of a run, its steps ticked off as they are done.

import React from 'react';

import type { ITranscript, PlanStatus } from '../model/transcript';
import { usePanel } from './context';

const MARKS: Record<PlanStatus, string> = {
  waiting: '',
  running: '…',
  ok: '✓',
  error: '✗',
  skipped: '–'
};

export function Plan(props: { run: ITranscript }): JSX.Element | null {
  const { plan, planReason } = props.run;
  const { trans } = usePanel();
  if (plan.length === 0) {
    return null;
  }
  const words: Record<PlanStatus, string> = {
    waiting: trans.__('waiting'),
    running: trans.__('running'),
    ok: trans.__('done'),
    error: trans.__('failed'),
    skipped: trans.__('skipped')
  };
  return (
    <section className="jp-Analyst-plan" aria-label={trans.__('Plan')}>
      <ol>
        {plan.map((item, at) => (
          <li key={at} data-status={item.status}>
            <span className="jp-Analyst-mark" aria-hidden="true">
              {MARKS[item.status]}
            </span>
            <span>{item.text}</span>
            <span className="jp-Analyst-unseen">, {words[item.status]}</span>
            {item.reason && (
              <span className="jp-Analyst-quiet"> {item.reason}</span>
            )}
          </li>
        ))}
      </ol>
      {planReason && (
        <p className="jp-Analyst-quiet">
          {trans.__('Revised: %1', planReason)}
        </p>
      )}
    </section>
  );
}
