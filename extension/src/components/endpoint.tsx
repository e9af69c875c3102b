// Choosing a model that an endpoint serves: its address, its name, and a key.

import React, { useEffect, useId, useState } from 'react';

import type { IModels } from '../model/api';
import { usePanel } from './context';

export function Endpoint(): JSX.Element {
  const { workspace, trans } = usePanel();
  const id = useId();
  const [models, setModels] = useState<IModels | null>(null);
  const [address, setAddress] = useState('');
  const [model, setModel] = useState('');
  const [key, setKey] = useState('');
  const [told, setTold] = useState('');
  const [failure, setFailure] = useState('');

  useEffect(() => {
    let wanted = true;
    void workspace.api
      .models()
      .then(found => {
        if (wanted) {
          setModels(found);
          if (!found.chosen.embedded) {
            setAddress(found.chosen.base_url ?? '');
            setModel(found.chosen.model ?? '');
          }
        }
      })
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [workspace]);

  const save = async () => {
    setTold('');
    setFailure('');
    try {
      await workspace.api.chooseModel({
        model: model.trim() || null,
        base_url: address.trim() || null,
        ...(key ? { api_key: key } : {})
      });
      setKey('');
      setTold(trans.__('Chosen.'));
      setModels(await workspace.api.models());
      await workspace.refreshStatus();
    } catch (error) {
      setFailure((error as Error).message);
    }
  };

  const problem = failure || models?.endpoint?.problem;
  return (
    <section aria-label={trans.__('Another model')}>
      <h2>{trans.__('Another model')}</h2>
      <p>
        {trans.__(
          'Any endpoint that speaks OpenAI’s protocol: hosted, or a server of your own.'
        )}
      </p>
      <form
        className="jp-Analyst-form"
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        <label htmlFor={`${id}-address`}>{trans.__('Address')}</label>
        <input
          id={`${id}-address`}
          type="url"
          value={address}
          placeholder={trans.__('as set in the environment')}
          onChange={event => setAddress(event.target.value)}
        />
        <label htmlFor={`${id}-model`}>{trans.__('Model')}</label>
        <input
          id={`${id}-model`}
          list={`${id}-models`}
          value={model}
          autoComplete="off"
          onChange={event => setModel(event.target.value)}
        />
        <datalist id={`${id}-models`}>
          {models?.endpoint?.models.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label htmlFor={`${id}-key`}>{trans.__('Key')}</label>
        <input
          id={`${id}-key`}
          type="password"
          value={key}
          autoComplete="off"
          placeholder={
            models?.key_set ? trans.__('one is set') : trans.__('none is set')
          }
          onChange={event => setKey(event.target.value)}
        />
        <p className="jp-Analyst-quiet">
          {trans.__(
            'A key is held until the server ends, and written nowhere.'
          )}
        </p>
        {problem && (
          <p className="jp-Analyst-remark" data-level="error" role="alert">
            {problem}
          </p>
        )}
        <button
          type="submit"
          className="jp-Analyst-button"
          disabled={!model.trim() && !address.trim() && !key}
        >
          {trans.__('Use this model')}
        </button>
        <span role="status" className="jp-Analyst-quiet">
          {told}
        </span>
      </form>
    </section>
  );
}
