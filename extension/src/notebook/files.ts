// Offers data files below the server's root directory.

import { TranslationBundle } from '@jupyterlab/translation';

import type { AnalystApi } from '../model/api';
import type { IContextItem, IContextProvider } from '../tokens';
import { Offers } from './offers';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export class FileProvider implements IContextProvider {
  constructor(
    private _api: Pick<AnalystApi, 'files'>,
    private _trans: TranslationBundle,
    private _offers = new Offers<{ path: string; bytes?: number }>()
  ) {}

  readonly id = 'jupyter-analyst:files';

  get label(): string {
    return this._trans.__('Files');
  }

  get problem(): string | null {
    return this._offers.problem;
  }

  async complete(prefix: string): Promise<IContextItem[]> {
    const files = await this._offers.get(prefix, async () => {
      const found = await this._api.files(prefix);
      return found.files;
    });
    return files.map(file => ({
      reference: { kind: 'file', path: file.path },
      label: file.path,
      detail: file.bytes === undefined ? undefined : sizeText(file.bytes)
    }));
  }
}

/** A size in the unit in which it is short: `3.2 MB`. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && size < 10 ? 1 : 0;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}
