// One output of a step in the form that forms.ts chose; large values are fetched when shown.

import React, { memo, useEffect, useMemo, useState } from 'react';

import { textOf } from '../model/outputs';
import type { IShownOutput } from '../model/transcript';
import { formOf, Form } from '../rendering/forms';
import { visible } from '../rendering/markdown';
import { IPanelServices, usePanel } from './context';
import { Rendered } from './rendered';

const STDOUT = 'application/vnd.jupyter.stdout';
const STDERR = 'application/vnd.jupyter.stderr';

/** Whether an output is a chart, an image or a table, which stays in sight. */
export function isRich(shown: IShownOutput): boolean {
  const { output_type: type, data } = shown.output;
  if (type !== 'display_data' && type !== 'execute_result') {
    return false;
  }
  const mimes = [
    ...Object.keys((data as object | null) ?? {}),
    ...shown.blobs.map(blob => blob.key)
  ];
  return mimes.some(mime => mime !== 'text/plain');
}

export const Output = memo(function Output(props: {
  shown: IShownOutput;
}): JSX.Element | null {
  const { shown } = props;
  const { trans } = usePanel();
  const { output, failure } = useWhole(shown);
  if (failure) {
    return <p className="jp-Analyst-quiet">{failure}</p>;
  }
  if (!output) {
    return <p className="jp-Analyst-quiet">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      {shown.cut > 0 && (
        <p className="jp-Analyst-quiet">
          {trans.__(
            '%1 characters before this are not shown.',
            shown.cut.toLocaleString()
          )}
        </p>
      )}
      <Shown output={output} />
    </>
  );
});

function Shown(props: { output: Record<string, unknown> }): JSX.Element | null {
  const { renderers, trans } = usePanel();
  const form: Form = useMemo(
    () => formOf(props.output, renderers.mimes, renderers.canRender),
    [props.output, renderers]
  );
  switch (form.kind) {
    case 'text':
      return form.text.trim() ? (
        <Rendered
          mime={form.error ? STDERR : STDOUT}
          data={visible(form.text)}
          className={
            form.error ? 'jp-Analyst-text jp-mod-error' : 'jp-Analyst-text'
          }
        />
      ) : null;
    case 'mime':
      return (
        <Rendered
          mime={form.mime}
          data={form.data}
          className="jp-Analyst-rich"
        />
      );
    case 'svg':
      return (
        <img
          className="jp-Analyst-svg"
          alt={trans.__('Chart')}
          src={`data:image/svg+xml,${encodeURIComponent(form.source)}`}
        />
      );
    case 'frame':
      return (
        <iframe
          className="jp-Analyst-frame"
          sandbox=""
          referrerPolicy="no-referrer"
          title={trans.__('HTML made by the agent’s code')}
          srcDoc={form.page}
        />
      );
    case 'tooLarge':
      return (
        <p className="jp-Analyst-quiet">
          {trans.__(
            'An output of %1 MB is not shown; ask for one of aggregated or sampled data.',
            Math.round(form.size / 1e6)
          )}
        </p>
      );
    case 'none':
      return null;
  }
}

interface IWhole {
  output: Record<string, unknown> | null;
  failure: string | null;
}

/** The output with its large values. */
function useWhole(shown: IShownOutput): IWhole {
  const services = usePanel();
  const [fetched, setFetched] = useState<IWhole & { of: unknown }>();
  useEffect(() => {
    if (shown.blobs.length === 0) {
      return;
    }
    let wanted = true;
    void restored(shown, services).then(whole => {
      if (wanted) {
        setFetched({ ...whole, of: shown });
      }
    });
    return () => {
      wanted = false;
    };
  }, [shown, services]);
  if (shown.blobs.length === 0) {
    return { output: shown.output, failure: null };
  }
  return fetched?.of === shown ? fetched : { output: null, failure: null };
}

async function restored(
  shown: IShownOutput,
  services: IPanelServices
): Promise<IWhole> {
  const { workspace, trans } = services;
  const data = { ...((shown.output.data as object | undefined) ?? {}) };
  const output: Record<string, unknown> = { ...shown.output, data };
  try {
    for (const blob of shown.blobs) {
      const value = await workspace.api.blob(blob.sha256, blob.kind);
      const holder = blob.in === 'data' ? data : output;
      Object.assign(holder, { [blob.key]: value });
    }
    return { output, failure: null };
  } catch {
    const text = textOf((data as Record<string, unknown>)['text/plain']);
    const failure = trans.__('A large output could not be loaded.');
    return { output: null, failure: text ? `${failure} ${text}` : failure };
  }
}
