// One finding: what was found, on which data, by which code, and whether it still holds.

import {
  addIcon,
  caretLeftIcon,
  checkIcon,
  deleteIcon
} from '@jupyterlab/ui-components';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import React, { useEffect, useMemo, useState } from 'react';

import type { IFinding, IVerified } from '../model/api';
import type { IShownOutput } from '../model/transcript';
import { visible } from '../rendering/markdown';
import { usePanel } from './context';
import { dayOf } from './findings';
import { Output } from './output';
import { Code, Markdown } from './rendered';

const MARKS: Record<IVerified['outcome'], string> = {
  same: '✓',
  differs: '✗',
  data_changed: '≠',
  impossible: '?'
};

export function FindingDetail(props: { number: number }): JSX.Element {
  const { number } = props;
  const { workspace, trans } = usePanel();
  const [finding, setFinding] = useState<IFinding | null>(null);
  const [failure, setFailure] = useState('');
  const [outputs, setOutputs] = useState<Record<string, unknown>[]>([]);
  const [verified, setVerified] = useState<IVerified | null>(null);
  const [doing, setDoing] = useState(false);

  useEffect(() => {
    let wanted = true;
    workspace.api
      .finding(number)
      .then(found => wanted && setFinding(found))
      .catch((error: Error) => wanted && setFailure(error.message));
    workspace.api
      .findingOutputs(number)
      .then(found => wanted && setOutputs(found.outputs))
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [workspace, number]);

  const act = async (work: () => Promise<void>) => {
    setDoing(true);
    setFailure('');
    try {
      await work();
    } catch (error) {
      setFailure((error as Error).message);
    }
    setDoing(false);
  };

  const verify = () =>
    act(async () => {
      setVerified(null);
      setVerified(await workspace.api.verifyFinding(number));
    });
  const pin = () =>
    act(async () => {
      const pinned = !finding?.pinned;
      setFinding(await workspace.api.changeFinding(number, { pinned }));
    });
  const remove = () =>
    act(async () => {
      const asked = await showDialog({
        title: trans.__('Delete F%1?', number),
        body: trans.__('The finding and its outputs are deleted for good.'),
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Delete') })
        ]
      });
      if (asked.button.accept) {
        await workspace.api.deleteFinding(number);
        workspace.showFinding(null);
      }
    });
  const goAlong = () =>
    workspace.putDraft({
      text: workspace.draft.text,
      context: [
        ...workspace.draft.context.filter(
          item =>
            item.reference.kind !== 'finding' ||
            item.reference.number !== number
        ),
        { reference: { kind: 'finding', number }, label: `F${number}` }
      ]
    });

  return (
    <div className="jp-Analyst-page">
      <button
        type="button"
        className="jp-Analyst-link"
        onClick={() => workspace.showFinding(null)}
      >
        <caretLeftIcon.react tag="span" aria-hidden="true" />
        {trans.__('All findings')}
      </button>
      {failure && (
        <p className="jp-Analyst-remark" data-level="error" role="alert">
          {failure}
        </p>
      )}
      {finding && (
        <article className="jp-Analyst-finding">
          <h2>
            <b>{`F${number}`}</b> {visible(finding.question)}
          </h2>
          <div className="jp-Analyst-buttons">
            <button
              type="button"
              className="jp-Analyst-button"
              disabled={doing}
              onClick={() => void verify()}
            >
              <checkIcon.react tag="span" aria-hidden="true" />
              {doing ? trans.__('Working…') : trans.__('Verify')}
            </button>
            <button
              type="button"
              className="jp-Analyst-button"
              onClick={goAlong}
            >
              <addIcon.react tag="span" aria-hidden="true" />
              {trans.__('Ask about it')}
            </button>
            <button
              type="button"
              className="jp-Analyst-button"
              aria-pressed={finding.pinned}
              disabled={doing}
              onClick={() => void pin()}
            >
              {finding.pinned ? trans.__('★ Unpin') : trans.__('☆ Pin')}
            </button>
            <button
              type="button"
              className="jp-Analyst-button"
              disabled={doing}
              onClick={() => void remove()}
            >
              <deleteIcon.react tag="span" aria-hidden="true" />
              {trans.__('Delete')}
            </button>
          </div>
          {verified && (
            <p
              className="jp-Analyst-verified"
              data-outcome={verified.outcome}
              role="status"
            >
              {MARKS[verified.outcome]} {visible(verified.detail)}
            </p>
          )}
          {verified && verified.outcome !== 'same' && (
            <Outputs outputs={verified.outputs} />
          )}
          <Markdown text={finding.answer} />
          <Facts finding={finding} />
          <Outputs outputs={outputs} />
          {finding.setup.trim() && (
            <details>
              <summary>{trans.__('Code before it')}</summary>
              <Code code={visible(finding.setup)} language="python" />
            </details>
          )}
          <Code code={visible(finding.code)} language="python" />
        </article>
      )}
    </div>
  );
}

/** Outputs as a notebook has them. */
function Outputs(props: {
  outputs: readonly Record<string, unknown>[];
}): JSX.Element {
  const shown = useMemo(
    () =>
      props.outputs.map((output, at): IShownOutput => {
        return { key: String(at), output, blobs: [], displayId: null, cut: 0 };
      }),
    [props.outputs]
  );
  return (
    <>
      {shown.map(one => (
        <Output key={one.key} shown={one} />
      ))}
    </>
  );
}

function Facts(props: { finding: IFinding }): JSX.Element {
  const { finding } = props;
  const { workspace, trans } = usePanel();
  const data = finding.data.map(one => {
    const source = one.path ?? one.name;
    return typeof one.rows === 'number'
      ? trans.__('%1 (%2 rows)', source, one.rows.toLocaleString())
      : source;
  });
  const facts: [string, React.ReactNode][] = [
    ...finding.values.map((one): [string, React.ReactNode] => [
      one.name,
      `${String(one.value)}${one.unit ? ` ${one.unit}` : ''}`
    ]),
    [trans.__('Data'), data.join(', ') || trans.__('none')],
    [trans.__('Found'), dayOf(finding.created_at)]
  ];
  if (finding.model) {
    facts.push([trans.__('Model'), finding.model]);
  }
  if (finding.notebook) {
    facts.push([trans.__('Notebook'), finding.notebook]);
  }
  if (finding.tags.length > 0) {
    facts.push([trans.__('Tags'), finding.tags.join(', ')]);
  }
  if (finding.superseded_by !== null) {
    const newer = finding.superseded_by;
    facts.push([
      trans.__('Newer'),
      <button
        key="newer"
        type="button"
        className="jp-Analyst-citation"
        onClick={() => workspace.showFinding(newer)}
      >
        {`F${newer}`}
      </button>
    ]);
  }
  return (
    <dl className="jp-Analyst-facts">
      {facts.map(([name, value], at) => (
        <React.Fragment key={at}>
          <dt>{visible(name)}</dt>
          <dd>{typeof value === 'string' ? visible(value) : value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
