import { MimeModel } from '@jupyterlab/rendermime';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Kernel } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { PromiseDelegate } from '@lumino/coreutils';
import { MessageLoop } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import { act } from 'react';

import { RUN_MIME, TARGET } from '../runcontrol';
import { RunLink } from '../runlink';
import { RunView } from '../runview';

const trans = nullTranslator.load('jupyter_analyst');
const CALL = {
  call_id: 'c1',
  kind: 'call',
  tool: 'python',
  words: 'It writes.',
  text: 'x',
  editable: true,
  can_always: true
};

/** What a front end has of a comm; notes what is said over it. */
class FakeComm {
  said: unknown[] = [];
  isDisposed = false;
  commsOverSubshells = 'perCommTarget';
  subshellStarted = Promise.resolve();

  open(data: unknown) {
    this.said.push(data);
  }

  send(data: unknown) {
    this.said.push(data);
  }

  dispose() {
    this.isDisposed = true;
  }
}

class FakeKernel {
  comms: FakeComm[] = [];
  info: Promise<unknown> = Promise.resolve({});
  supportsSubshells = true;
  interrupt = jest.fn(async () => undefined);

  createComm(target: string) {
    expect(target).toBe(TARGET);
    const comm = new FakeComm();
    this.comms.push(comm);
    return comm;
  }
}

/** The output area of a running cell, as far as a view looks at it. */
class FakeArea extends Panel {
  future: { isDisposed: boolean; done: Promise<unknown> } | undefined;
}

class Html extends Widget implements IRenderMime.IRenderer {
  rendered: IRenderMime.IMimeModel[] = [];

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.rendered.push(model);
    this.node.innerHTML = String(model.data['text/html']);
  }
}

function bundle(
  control: object,
  html = '<p>1</p>',
  trusted = false
): IRenderMime.IMimeModel {
  const run = { run_id: 'r', stopping: false, approval: null, ...control };
  return new MimeModel({
    trusted,
    data: { [RUN_MIME]: run, 'text/html': html, 'text/plain': '1' }
  });
}

describe('RunView', () => {
  let kernel: FakeKernel;
  let area: FakeArea;
  let view: RunView;
  let html: Html;
  let done: PromiseDelegate<void>;

  beforeEach(() => {
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
    kernel = new FakeKernel();
    done = new PromiseDelegate();
    area = new FakeArea();
    area.future = { isDisposed: false, done: done.promise };
    html = new Html();
    view = new RunView(html, {
      kernelAt: () => kernel as unknown as Kernel.IKernelConnection,
      link: found => new RunLink(found, 20),
      trans
    });
    Widget.attach(area, document.body);
  });

  afterEach(() => {
    act(() => area.dispose());
  });

  /** Let promises, messages and React have their turns. */
  async function settle(milliseconds = 0): Promise<void> {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve, milliseconds));
      MessageLoop.flush();
    });
  }

  async function show(model: IRenderMime.IMimeModel): Promise<void> {
    await act(async () => {
      await view.renderModel(model);
      area.addWidget(view);
    });
    await settle();
  }

  function button(name: string): HTMLButtonElement {
    const found = [...view.node.querySelectorAll('button')].find(
      one => one.textContent === name
    );
    if (!found) {
      throw new Error(`no button ${name}: ${view.node.textContent}`);
    }
    return found;
  }

  async function press(name: string): Promise<void> {
    act(() => button(name).click());
    await settle();
  }

  function edit(code: string): void {
    const area = view.node.querySelector('textarea')!;
    const { set } = Object.getOwnPropertyDescriptor(
      HTMLTextAreaElement.prototype,
      'value'
    )!;
    act(() => {
      set?.call(area, code);
      area.dispatchEvent(new Event('input', { bubbles: true }));
    });
  }

  it('shows the HTML with the trust that it has, once for each change', async () => {
    await show(bundle({}, '<p>1</p>', true));
    await show(bundle({ approval: CALL }, '<p>1</p>', true));
    await show(bundle({}, '<p>2</p>', false));
    expect(html.rendered.map(one => [one.data, one.trusted])).toEqual([
      [{ 'text/html': '<p>1</p>' }, true],
      [{ 'text/html': '<p>2</p>' }, false]
    ]);
  });

  it('says hello once, before anything is asked', async () => {
    await show(bundle({}));
    expect(kernel.comms[0].said).toEqual([{ kind: 'hello' }]);
    await show(bundle({ approval: CALL }));
    await show(bundle({ approval: CALL }, '<p>2</p>'));
    expect(kernel.comms).toHaveLength(1);
    expect(kernel.comms[0].said).toEqual([{ kind: 'hello' }]);
  });

  it('stops the run, and then interrupts the kernel', async () => {
    await show(bundle({}));
    await press('Stop');
    expect(kernel.comms[0].said).toEqual([{ kind: 'hello' }, { kind: 'stop' }]);
    expect(kernel.interrupt).not.toHaveBeenCalled();
    await show(bundle({ stopping: true }));
    await press('Interrupt the kernel');
    expect(kernel.interrupt).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['Approve', { decision: 'approved' }],
    ['Deny', { decision: 'denied' }],
    ['Always in this conversation', { decision: 'approved', always: true }]
  ])('%s', async (name, decision) => {
    await show(bundle({ approval: CALL }));
    expect(view.node.textContent).toContain('It writes.');
    await press(name);
    expect(kernel.comms[0].said[1]).toEqual({
      kind: 'approval',
      call_id: 'c1',
      ...decision
    });
    expect(button(name).disabled).toBe(true);
  });

  it('keeps what was typed for as long as the call waits', async () => {
    await show(bundle({ approval: CALL }));
    edit('x = 2');
    await show(bundle({ approval: CALL }, '<p>2</p>'));
    expect(view.node.querySelector('textarea')!.value).toBe('x = 2');
    await press('Run as edited');
    expect(kernel.comms[0].said[1]).toEqual({
      kind: 'approval',
      call_id: 'c1',
      decision: 'edited',
      text: 'x = 2'
    });
    await show(bundle({ approval: { ...CALL, call_id: 'c2', text: 'y' } }));
    expect(view.node.querySelector('textarea')!.value).toBe('y');
  });

  it('answers a question of the model', async () => {
    const asked = {
      ...{ call_id: 'q1', kind: 'question', tool: 'ask_user' },
      ...{ words: 'Which year?', text: '', choices: ['2024', '2025'] }
    };
    await show(bundle({ approval: asked }));
    expect(view.node.textContent).toContain('Which year?');
    act(() => view.node.querySelector<HTMLElement>('[type=radio]')!.click());
    await press('Answer');
    expect(kernel.comms[0].said[1]).toEqual({
      kind: 'approval',
      call_id: 'q1',
      decision: 'approved',
      text: '2024'
    });
  });

  it('keeps what was unfolded', async () => {
    const folded = '<details><summary>Step 1</summary>code</details>';
    await show(bundle({}, folded));
    act(() => html.node.querySelector('summary')!.click());
    await show(bundle({}, `${folded}<p>more</p>`));
    expect(html.node.querySelector('details')!.open).toBe(true);
  });

  it('interrupts a kernel without subshells, and leaves the asking to it', async () => {
    kernel.supportsSubshells = false;
    await show(bundle({ approval: CALL }));
    expect(kernel.comms).toEqual([]);
    expect(view.node.querySelector('textarea')).toBeNull();
    expect(view.node.textContent).toContain('input field');
    await press('Stop');
    expect(kernel.interrupt).toHaveBeenCalledTimes(1);
  });

  it('interrupts a kernel that does not answer', async () => {
    kernel.info = new Promise(() => undefined);
    await show(bundle({}));
    await settle(40);
    await press('Stop');
    expect(kernel.comms).toEqual([]);
    expect(kernel.interrupt).toHaveBeenCalledTimes(1);
  });

  it('has no buttons in a page that was loaded later', async () => {
    area.future = undefined;
    await show(bundle({ approval: CALL }));
    expect(kernel.comms).toEqual([]);
    expect(view.node.textContent).toContain('Kernel > Interrupt');
    expect(view.node.querySelector('button')).toBeNull();
  });

  it('shows nothing more when the cell has ended', async () => {
    await show(bundle({}));
    done.resolve();
    await settle();
    expect(view.node.lastElementChild!.classList).toContain('lm-mod-hidden');
  });

  it('closes its comm when it goes', async () => {
    await show(bundle({}));
    act(() => view.dispose());
    expect(kernel.comms[0].isDisposed).toBe(true);
  });
});
