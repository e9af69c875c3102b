// What an empty conversation says: what can be asked here, and what the answers stand on.

import React from 'react';

import { usePanel } from './context';
import { analystIcon } from './icons';

export function Welcome(): JSX.Element {
  const { workspace, trans } = usePanel();
  const examples = [
    trans.__('What is in this data? Anything odd in it?'),
    trans.__('Which columns have missing values, and how many?'),
    trans.__('Plot how the main number changed over time.')
  ];
  return (
    <section className="jp-Analyst-welcome">
      <analystIcon.react tag="span" className="jp-Analyst-logo" />
      <h2>{trans.__('Ask about your data')}</h2>
      <p>
        {trans.__(
          'Answers are computed in a kernel of their own, apart from your notebook; each step can be looked at.'
        )}
      </p>
      <p className="jp-Analyst-quiet">
        {trans.__('Type @ to add a table of a notebook, a file or a finding.')}
      </p>
      <ul>
        {examples.map(example => (
          <li key={example}>
            <button
              type="button"
              className="jp-Analyst-example"
              onClick={() =>
                workspace.putDraft({
                  text: example,
                  context: workspace.draft.context
                })
              }
            >
              {example}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
