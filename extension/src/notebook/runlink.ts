// Speaks to a kernel whose cell is running, over a comm that a subshell of the kernel serves.
// A kernel without subshells, or one that was busy when the page was loaded, is not reached.
// Not here: what is said (runcontrol.ts).

import type { CommsOverSubshells, Kernel } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';

import { CellMessage, TARGET } from './runcontrol';

/** How long a kernel may take to be reached, in milliseconds. */
const PATIENCE = 3000;

// The values of an enum that older services lack.
const DISABLED = 'disabled' as CommsOverSubshells;
const PER_TARGET = 'perCommTarget' as CommsOverSubshells;

/** A comm as Lab's services make it. */
interface ISubshellComm extends Kernel.IComm {
  /** Resolves when the subshell is there; never where the kernel has none. */
  readonly subshellStarted?: Promise<void>;
}

export class RunLink implements IDisposable {
  constructor(
    readonly kernel: Kernel.IKernelConnection,
    private _patience = PATIENCE
  ) {}

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Open the comm and say hello; resolves to whether the kernel can be spoken to. */
  open(): Promise<boolean> {
    this._opened ??= this._open().catch(error => {
      console.warn('The running cell cannot be reached.', error);
      return false;
    });
    return this._opened;
  }

  /** Say something; false where the kernel cannot be reached. */
  async say(message: CellMessage): Promise<boolean> {
    if (!(await this.open()) || !this._comm || this._comm.isDisposed) {
      return false;
    }
    this._comm.send({ ...message });
    return true;
  }

  dispose(): void {
    this._disposed = true;
    // Not closed: the message would come to a subshell that ends at the same time.
    this._comm?.dispose();
    this._comm = null;
  }

  private async _open(): Promise<boolean> {
    const { kernel } = this;
    if (!(await within(kernel.info, this._patience))) {
      return false;
    }
    if (!kernel.supportsSubshells || this._disposed) {
      return false;
    }
    const comm: ISubshellComm = kernel.createComm(TARGET);
    this._comm = comm;
    if (comm.commsOverSubshells === DISABLED) {
      // A user's setting for widgets. Let the comm take note of it before it is changed.
      await Promise.resolve();
      comm.commsOverSubshells = PER_TARGET;
    }
    const started = comm.subshellStarted;
    if (!started || !(await within(started, this._patience))) {
      this.dispose();
      return false;
    }
    if (comm.isDisposed) {
      return false;
    }
    const hello: CellMessage = { kind: 'hello' };
    comm.open(hello);
    return true;
  }

  private _comm: ISubshellComm | null = null;
  private _opened: Promise<boolean> | null = null;
  private _disposed = false;
}

/** Whether `promise` resolves in time. */
async function within(
  promise: Promise<unknown>,
  milliseconds: number
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
