// What all components share: services of the panel, and hooks that follow its models.

import { TranslationBundle } from '@jupyterlab/translation';
import { ISignal } from '@lumino/signaling';
import React, { createContext, useContext, useEffect, useReducer } from 'react';

import { Workspace } from '../model/workspace';
import { Renderers } from '../rendering/renderers';
import { PanelSettings } from '../settings';

export interface IPanelServices {
  workspace: Workspace;
  renderers: Renderers;
  settings: PanelSettings;
  trans: TranslationBundle;
}

const Services = createContext<IPanelServices | null>(null);

export function ServicesProvider(
  props: React.PropsWithChildren<{ services: IPanelServices }>
): JSX.Element {
  return (
    <Services.Provider value={props.services}>
      {props.children}
    </Services.Provider>
  );
}

export function usePanel(): IPanelServices {
  const services = useContext(Services);
  if (!services) {
    throw new Error('The component is not in a panel.');
  }
  return services;
}

/** Draw again whenever `signal` is emitted. */
export function useChanged(
  signal: ISignal<unknown, unknown> | undefined
): void {
  const [, drawAgain] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!signal) {
      return;
    }
    const slot = () => drawAgain();
    signal.connect(slot);
    // What changed between drawing and connecting.
    drawAgain();
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}
