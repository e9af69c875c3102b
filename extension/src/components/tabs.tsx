// The panel's frame: its tabs, and the one that is shown.

import React, { useRef } from 'react';

import { isUsable, Tab } from '../model/workspace';
import { useChanged, usePanel } from './context';
import { Conversation } from './conversation';
import { Findings } from './findings';
import { Header } from './header';
import { Runs } from './runs';
import { Setup } from './setup';

const VIEWS: Record<Tab, () => JSX.Element> = {
  conversation: Conversation,
  findings: Findings,
  runs: Runs,
  setup: Setup
};

export function Tabs(): JSX.Element {
  const { workspace, trans } = usePanel();
  useChanged(workspace.changed);
  const list = useRef<HTMLDivElement>(null);
  const { tab, status, failure } = workspace;
  const wanting = failure !== null || (status !== null && !isUsable(status));
  const labels: Record<Tab, string> = {
    conversation: trans.__('Conversation'),
    findings: trans.__('Findings'),
    runs: trans.__('Runs'),
    setup: trans.__('Setup')
  };
  const tabs = Object.keys(VIEWS) as Tab[];
  const View = VIEWS[tab];

  const show = (one: Tab) =>
    one === 'findings' ? workspace.showFinding(null) : workspace.show(one);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const at = (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
      show(tabs[at]);
      list.current?.querySelectorAll('button')[at]?.focus();
    }
  };

  return (
    <>
      <div
        ref={list}
        className="jp-Analyst-tabs"
        role="tablist"
        aria-label={trans.__('Analyst')}
        onKeyDown={onKeyDown}
      >
        {tabs.map(one => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`jp-Analyst-tab-${one}`}
            aria-selected={one === tab}
            aria-controls="jp-Analyst-tabpanel"
            tabIndex={one === tab ? 0 : -1}
            data-wanting={one === 'setup' && wanting}
            onClick={() => show(one)}
          >
            {labels[one]}
          </button>
        ))}
      </div>
      <div
        id="jp-Analyst-tabpanel"
        className="jp-Analyst-tabpanel"
        role="tabpanel"
        aria-labelledby={`jp-Analyst-tab-${tab}`}
      >
        {tab === 'conversation' && <Header />}
        <View />
      </div>
    </>
  );
}
