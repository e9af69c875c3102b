// The memory: finding findings. One of them in detail is finding.tsx.

import React, { useCallback, useEffect, useState } from 'react';

import type { IFinding } from '../model/api';
import { visible } from '../rendering/markdown';
import { usePanel } from './context';
import { FindingDetail } from './finding';

const MOST = 100;

export function Findings(): JSX.Element {
  const { workspace } = usePanel();
  const number = workspace.openFinding;
  return number === null ? (
    <FindingList />
  ) : (
    <FindingDetail key={number} number={number} />
  );
}

function FindingList(): JSX.Element {
  const { workspace, trans } = usePanel();
  const [words, setWords] = useState('');
  const [found, setFound] = useState<IFinding[] | null>(null);
  const [failure, setFailure] = useState('');

  const search = useCallback(
    async (wanted: string, isWanted: () => boolean) => {
      try {
        const { findings } = await workspace.api.findings(wanted, MOST);
        if (isWanted()) {
          setFound(findings);
          setFailure('');
        }
      } catch (error) {
        if (isWanted()) {
          setFailure(String((error as Error).message));
        }
      }
    },
    [workspace]
  );

  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(() => void search(words, () => wanted), 200);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [words, search]);

  return (
    <div className="jp-Analyst-page">
      <input
        type="search"
        className="jp-Analyst-search"
        placeholder={trans.__('Search findings')}
        aria-label={trans.__('Search findings')}
        value={words}
        onChange={event => setWords(event.target.value)}
      />
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {failure}
        </p>
      )}
      {found?.length === 0 && (
        <p className="jp-Analyst-quiet">
          {words.trim()
            ? trans.__('Nothing is remembered that is like it.')
            : trans.__('Nothing is remembered yet; what runs compute will be.')}
        </p>
      )}
      <ul className="jp-Analyst-list">
        {found?.map(finding => (
          <li key={finding.number}>
            <button
              type="button"
              className="jp-Analyst-row"
              onClick={() => workspace.showFinding(finding.number)}
            >
              <span className="jp-Analyst-rowHead">
                <b>{`F${finding.number}`}</b>
                {finding.pinned && <span title={trans.__('Pinned')}>★</span>}
                <time dateTime={finding.created_at}>
                  {dayOf(finding.created_at)}
                </time>
              </span>
              <span className="jp-Analyst-rowTitle">
                {visible(finding.question)}
              </span>
              <span className="jp-Analyst-rowText">
                {visible(finding.answer)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A day as people write it here. */
export function dayOf(time: string | null): string {
  const date = new Date(time ?? '');
  return Number.isNaN(date.getTime())
    ? ''
    : date.toLocaleDateString(undefined, {
        year: 'numeric',
        month: 'short',
        day: 'numeric'
      });
}
