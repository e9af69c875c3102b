// What the user set in the settings editor, with defaults for all that is missing.

import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ISignal, Signal } from '@lumino/signaling';

export interface IPanelOptions {
  enterSends: boolean;
  approval: 'server' | 'auto' | 'risky' | 'ask' | 'plan';
  work: 'server' | 'loop' | 'plan' | 'team';
  memory: boolean;
  showRows: boolean;
  steps: 'folded' | 'open';
  showUsage: boolean;
}

export const DEFAULT_OPTIONS: IPanelOptions = {
  enterSends: true,
  approval: 'server',
  work: 'server',
  memory: true,
  showRows: false,
  steps: 'folded',
  showUsage: true
};

export class PanelSettings {
  /** Follow the settings of the plugin `id`; without a registry the defaults hold. */
  static async load(
    registry: ISettingRegistry | null,
    id: string
  ): Promise<PanelSettings> {
    const settings = new PanelSettings();
    const loaded = await registry?.load(id).catch(() => null);
    if (loaded) {
      const take = () => settings._take(loaded.composite);
      loaded.changed.connect(take);
      take();
    }
    return settings;
  }

  get options(): IPanelOptions {
    return this._options;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The settings that are sent with each question; the server's hold for the others. */
  get overrides(): Record<string, unknown> {
    const { approval, work, memory, showRows } = this._options;
    return {
      ...(approval === 'server' ? {} : { approval }),
      ...(work === 'server' ? {} : { work }),
      ...(memory ? {} : { memory: false }),
      ...(showRows ? { show_rows: true } : {})
    };
  }

  private _take(composite: object): void {
    this._options = { ...DEFAULT_OPTIONS, ...composite };
    this._changed.emit();
  }

  private _options = DEFAULT_OPTIONS;
  private _changed = new Signal<this, void>(this);
}
