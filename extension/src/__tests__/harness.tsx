// The panel in a page of jsdom's, with a server that notes what it is asked.

import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import React, { act } from 'react';
import { createRoot, Root } from 'react-dom/client';

import { IPanelServices, ServicesProvider } from '../components/context';
import { Tabs } from '../components/tabs';
import type { AnalystApi, IStatus } from '../model/api';
import type { AnyEvent } from '../model/events';
import { Workspace } from '../model/workspace';
import { Renderers } from '../rendering/renderers';
import { PanelSettings } from '../settings';

export const STATUS: IStatus = {
  version: '1',
  model: {
    model: 'm',
    reason: 'why',
    embedded: true,
    base_url: null,
    problem: null
  },
  embedded: { name: 'e', title: 'E', state: 'verified', bytes: 1, total: 1 },
  isolation: { backend: 'b', words: 'isolated', problem: null },
  missing: [],
  settings: {},
  running: 0
};
const INFO = {
  id: 'c',
  title: 'A conversation',
  notebook: null,
  created_at: '',
  runs: [],
  busy: false,
  last: ''
};

/** A server that notes what it is asked. */
function fakeApi(changes: object = {}) {
  const asked: unknown[][] = [];
  const noted =
    (name: string, answer: unknown) =>
    async (...given: unknown[]) => {
      asked.push([name, ...given]);
      return answer;
    };
  const api = {
    settings: {},
    eventsUrl: () => 'events',
    status: noted('status', STATUS),
    conversations: noted('conversations', { conversations: [INFO] }),
    createConversation: noted('create', { id: 'new' }),
    ask: noted('ask', { run_id: 'r' }),
    stop: noted('stop', undefined),
    decide: noted('decide', undefined),
    models: noted('models', {
      chosen: STATUS.model,
      key_set: false,
      embedded: [STATUS.embedded],
      endpoint: null
    }),
    pull: noted('pull', {
      state: 'idle',
      stage: null,
      source: null,
      done: 0,
      total: 1,
      message: null
    }),
    beginPull: noted('beginPull', {
      state: 'running',
      stage: 'fetching',
      source: null,
      done: 50,
      total: 100,
      message: null
    }),
    findings: noted('findings', { findings: [] }),
    runs: noted('runs', { runs: [] }),
    ...changes
  };
  return { api: api as unknown as AnalystApi, asked };
}

class NoObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

let root: Root;
export let host: HTMLElement;

/** Give each test a page of its own. */
export function drawInPage(): void {
  beforeAll(() => {
    Object.assign(globalThis, {
      IS_REACT_ACT_ENVIRONMENT: true,
      ResizeObserver: NoObserver,
      IntersectionObserver: NoObserver,
      requestAnimationFrame: (draw: () => void) => setTimeout(draw, 0)
    });
    // The stream of events: none comes, tests apply their own.
    jest
      .spyOn(
        jest.requireActual('@jupyterlab/services').ServerConnection,
        'makeRequest'
      )
      .mockImplementation(() => new Promise(() => undefined));
  });

  beforeEach(() => {
    host = document.createElement('div');
    host.className = 'jp-Analyst';
    document.body.appendChild(host);
    root = createRoot(host);
  });

  afterEach(() => {
    act(() => root.unmount());
    host.remove();
  });
}

export async function shown(changes: object = {}) {
  const { api, asked } = fakeApi(changes);
  const trans = nullTranslator.load('');
  const workspace = new Workspace(api);
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories
  });
  const services: IPanelServices = {
    workspace,
    trans,
    settings: await PanelSettings.load(null, ''),
    renderers: new Renderers(rendermime, trans)
  };
  act(() =>
    root.render(
      <ServicesProvider services={services}>
        <Tabs />
      </ServicesProvider>
    )
  );
  await act(() => workspace.start(null));
  const tell = (...events: object[]) =>
    act(async () => {
      events.forEach((fields, seq) => {
        const event = { run_id: 'r', seq, t: seq, ...fields };
        workspace.current?.apply(event as AnyEvent);
      });
      await new Promise(resolve => setTimeout(resolve, 20));
    });
  return { workspace, asked, tell };
}

export function button(name: string): HTMLButtonElement {
  const found = [...host.querySelectorAll('button')].find(
    one => one.textContent === name || one.getAttribute('aria-label') === name
  );
  if (!found) {
    throw new Error(`There is no button ${name}: ${host.textContent}`);
  }
  return found;
}

/** Do something, and let what follows from it be drawn. */
export function settled(doing: () => void): Promise<void> {
  return act(async () => {
    doing();
    await new Promise(resolve => setTimeout(resolve, 20));
  });
}

export function type(
  area: HTMLTextAreaElement | HTMLInputElement,
  text: string
): void {
  const set = Object.getOwnPropertyDescriptor(
    Object.getPrototypeOf(area),
    'value'
  )?.set;
  set?.call(area, text);
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

export function press(node: Element, key: string, options: object = {}): void {
  node.dispatchEvent(
    new KeyboardEvent('keydown', {
      key,
      bubbles: true,
      cancelable: true,
      ...options
    })
  );
}
