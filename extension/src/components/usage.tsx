// The quiet line below an answer: steps, tokens, time, cost, model.

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import type { ITranscript } from '../model/transcript';
import { usePanel } from './context';

/** What is known of a run's size, in words. */
export function usageParts(
  run: ITranscript,
  seconds: number,
  trans: TranslationBundle
): string[] {
  const { input, output, cached } = run.usage;
  const parts = [trans._n('%1 step', '%1 steps', run.steps.length)];
  if (input + output > 0) {
    const read = cached
      ? trans.__(
          '%1 tokens read, %2 from cache',
          input.toLocaleString(),
          cached.toLocaleString()
        )
      : trans.__('%1 tokens read', input.toLocaleString());
    parts.push(read, trans.__('%1 written', output.toLocaleString()));
  }
  if (run.checkTokens) {
    parts.push(
      trans.__(
        '%1 of them to check the answer',
        run.checkTokens.toLocaleString()
      )
    );
  }
  parts.push(trans.__('%1 s', seconds.toFixed(run.status ? 1 : 0)));
  if (run.cost) {
    parts.push(trans.__('cost %1', moneyText(run.cost)));
  }
  if (run.model) {
    parts.push(run.model);
  }
  return parts;
}

/** An amount with at least two figures; the currency is the provider's. */
export function moneyText(amount: number): string {
  return amount >= 1
    ? amount.toFixed(2)
    : String(Number(amount.toPrecision(2)));
}

export function Usage(props: {
  run: ITranscript;
  version: number;
}): JSX.Element {
  const { run } = props;
  const { trans } = usePanel();
  const seconds = useSeconds(run);
  const why = [run.modelReason, run.isolation].filter(Boolean).join('\n');
  return (
    <span className="jp-Analyst-usage" title={why}>
      {usageParts(run, seconds, trans).join(' · ')}
    </span>
  );
}

/** The seconds of a run; those of one that goes on pass, whether it has events or not. */
function useSeconds(run: ITranscript): number {
  const [now, setNow] = useState(() => Date.now());
  const going = run.status === null;
  useEffect(() => {
    if (!going) {
      return;
    }
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [going]);
  const begun = Date.parse(run.startedAt);
  return going && !Number.isNaN(begun)
    ? Math.max(run.seconds, (now - begun) / 1000)
    : run.seconds;
}
