// What happened in a run besides question and answer, in its order: calls, notes, findings.

import React from 'react';

import type { Item, ITranscript } from '../model/transcript';
import { visible } from '../rendering/markdown';
import { RecalledChips } from './chips';
import { usePanel } from './context';
import { ToolCall } from './toolcall';
import { FilesWritten } from './written';

export function Items(props: {
  run: ITranscript;
  items: Item[];
  /** Whether the run is one of the conversation that is shown. */
  live: boolean;
}): JSX.Element {
  const { run, items, live } = props;
  const { workspace, trans } = usePanel();
  const last = run.steps[run.steps.length - 1];
  return (
    <>
      {items.map(item => {
        switch (item.kind) {
          case 'step':
            return (
              <ToolCall
                key={item.key}
                step={item}
                version={item.version}
                tables={item === last}
              />
            );
          case 'recalled':
            return <RecalledChips key={item.key} findings={item.findings} />;
          case 'saved':
            return (
              <p key={item.key} className="jp-Analyst-quiet">
                {trans.__('Kept in memory as')}{' '}
                <button
                  type="button"
                  className="jp-Analyst-citation"
                  onClick={() => workspace.showFinding(item.number)}
                >
                  {`F${item.number}`}
                </button>
              </p>
            );
          case 'compacted':
            return (
              <p key={item.key} className="jp-Analyst-quiet">
                {trans.__(
                  'Older messages were summed up for the model: %1 tokens became %2.',
                  item.before.toLocaleString(),
                  item.after.toLocaleString()
                )}
              </p>
            );
          case 'remark':
            return live && item.code === 'files_written' ? (
              <FilesWritten key={item.key} text={item.text} />
            ) : (
              <p
                key={item.key}
                className="jp-Analyst-remark"
                data-level={item.level}
              >
                {visible(item.text)}
              </p>
            );
        }
      })}
    </>
  );
}
