// Small labels for what goes along with a question, and for findings.

import { closeIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { ContextReference } from '../model/api';
import type { DataDescription, RecalledFinding } from '../model/events';
import type { IContextItem } from '../tokens';
import { usePanel } from './context';

/** What to call something that went along. */
export function labelOf(reference: ContextReference): string {
  switch (reference.kind) {
    case 'frame':
      return reference.name;
    case 'file':
      return reference.path;
    case 'finding':
      return `F${reference.number}`;
  }
}

/** Chips of what goes along; with `remove`, each can be taken away. */
export function ContextChips(props: {
  items: readonly IContextItem[];
  remove?: (item: IContextItem) => void;
}): JSX.Element | null {
  const { items, remove } = props;
  const { trans } = usePanel();
  if (items.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Analyst-chips" aria-label={trans.__('Goes along')}>
      {items.map(item => (
        <li
          key={JSON.stringify(item.reference)}
          className="jp-Analyst-chip"
          data-kind={item.reference.kind}
          title={item.detail}
        >
          <span className="jp-Analyst-chipText">{item.label}</span>
          {remove && (
            <button
              type="button"
              aria-label={trans.__('Remove %1', item.label)}
              onClick={() => remove(item)}
            >
              <closeIcon.react tag="span" aria-hidden="true" />
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Chips of data that a run was given, as its record tells. */
export function DataChips(props: {
  data: readonly DataDescription[];
}): JSX.Element | null {
  const { trans } = usePanel();
  if (props.data.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Analyst-chips" aria-label={trans.__('Goes along')}>
      {props.data.map(one => (
        <li
          key={one.name}
          className="jp-Analyst-chip"
          data-kind={one.kind}
          title={one.changes.join('\n')}
        >
          <span className="jp-Analyst-chipText">{one.name}</span>
          {one.rows !== null && (
            <i>
              {one.rows.toLocaleString()} × {one.columns}
            </i>
          )}
        </li>
      ))}
    </ul>
  );
}

/** How a past finding relates to the question, in words. */
export function outcomeText(
  outcome: RecalledFinding['outcome'],
  trans: TranslationBundle
): string {
  switch (outcome) {
    case 'known':
      return trans.__('asked before, of this data');
    case 'likely':
      return trans.__('perhaps the same, of this data');
    case 'related':
      return trans.__('of this data');
    case 'stale':
      return trans.__('the data changed since');
    default:
      return trans.__('of other data');
  }
}

/** Findings that were recalled for a question. */
export function RecalledChips(props: {
  findings: readonly RecalledFinding[];
}): JSX.Element {
  const { workspace, trans } = usePanel();
  return (
    <div className="jp-Analyst-recalled">
      <span className="jp-Analyst-quiet">{trans.__('In memory:')}</span>
      {props.findings.map(finding => (
        <button
          key={finding.number}
          type="button"
          className="jp-Analyst-chip jp-mod-finding"
          data-outcome={finding.outcome}
          title={`${finding.question}\n${finding.answer}`}
          onClick={() => workspace.showFinding(finding.number)}
        >
          <b>{`F${finding.number}`}</b>
          <span className="jp-Analyst-chipText">{finding.question}</span>
          <i>{outcomeText(finding.outcome, trans)}</i>
        </button>
      ))}
    </div>
  );
}
