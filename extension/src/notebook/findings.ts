// Offers findings of earlier runs, by a word or by number.

import { TranslationBundle } from '@jupyterlab/translation';

import { AnalystApi, ApiError, IFinding } from '../model/api';
import type { IContextItem, IContextProvider } from '../tokens';
import { Offers } from './offers';

const MOST = 8;

export class FindingProvider implements IContextProvider {
  constructor(
    private _api: Pick<AnalystApi, 'findings' | 'finding'>,
    private _trans: TranslationBundle,
    private _offers = new Offers<IFinding>()
  ) {}

  readonly id = 'jupyter-analyst:findings';

  get label(): string {
    return this._trans.__('Findings');
  }

  get problem(): string | null {
    return this._offers.problem;
  }

  async complete(prefix: string): Promise<IContextItem[]> {
    const findings = await this._offers.get(prefix, () => this._fetch(prefix));
    return findings.map(finding => ({
      reference: { kind: 'finding', number: finding.number },
      label: `F${finding.number}`,
      detail: finding.question
    }));
  }

  private async _fetch(typed: string): Promise<IFinding[]> {
    const number = /^f?(\d{1,9})$/i.exec(typed);
    if (!number) {
      // A lone F begins a number.
      const words = /^f$/i.test(typed) ? '' : typed;
      return (await this._api.findings(words, MOST)).findings;
    }
    try {
      return [await this._api.finding(Number(number[1]))];
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return [];
      }
      throw error;
    }
  }
}
