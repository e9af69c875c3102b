// Offers the tables of the current notebook's kernel, also while it is busy.
// The server looks for them; nothing is run in the user's namespace from here.

import { TranslationBundle } from '@jupyterlab/translation';

import type { AnalystApi, IFrame } from '../model/api';
import type { IContextItem, IContextProvider } from '../tokens';
import { fitting, Offers } from './offers';

/** How many columns a table's offer names. */
const NAMED = 6;

export class FrameProvider implements IContextProvider {
  constructor(
    private _api: Pick<AnalystApi, 'kernelFrames'>,
    private _kernelId: () => string | null,
    private _trans: TranslationBundle,
    private _offers = new Offers<IFrame>()
  ) {}

  readonly id = 'jupyter-analyst:frames';

  get label(): string {
    return this._trans.__('Tables of the notebook');
  }

  get problem(): string | null {
    return this._kernelId() === null ? null : this._offers.problem;
  }

  async complete(prefix: string): Promise<IContextItem[]> {
    const kernelId = this._kernelId();
    if (kernelId === null) {
      return [];
    }
    const frames = await this._offers.get(kernelId, async () => {
      const found = await this._api.kernelFrames(kernelId);
      return found.frames;
    });
    return fitting(frames, prefix, frame => frame.name).map(frame => ({
      reference: { kind: 'frame', kernel_id: kernelId, name: frame.name },
      label: frameLabel(frame),
      detail: columnsText(frame, this._trans)
    }));
  }
}

/** A table's name and shape: `df (1,704 × 6)`. */
export function frameLabel(frame: IFrame): string {
  const shape = frame.shape.map(size => size.toLocaleString());
  return `${frame.name} (${shape.join(' × ')})`;
}

/** The first columns by name. */
export function columnsText(frame: IFrame, trans: TranslationBundle): string {
  const named = frame.columns.slice(0, NAMED).map(([name]) => name);
  const more = (frame.shape[1] ?? named.length) - named.length;
  return more > 0
    ? trans.__('%1 and %2 more', named.join(', '), more.toLocaleString())
    : named.join(', ');
}
