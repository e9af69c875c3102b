// Jupyter's renderers as the panel uses them: with a sanitizer and link rules of its own.

import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { TranslationBundle } from '@jupyterlab/translation';

import { PanelSanitizer } from './sanitizer';

export class Renderers {
  constructor(
    private _lab: IRenderMimeRegistry,
    private _trans: TranslationBundle
  ) {}

  /** The types that can be shown, best first. */
  get mimes(): readonly string[] {
    return this._registry.mimeTypes;
  }

  /** Whether there is a renderer for a type that is safe with untrusted data. */
  canRender = (mime: string): boolean =>
    this._registry.getFactory(mime)?.safe === true;

  /** A renderer for data of a type; give it models of {@link model}. */
  create(mime: string): IRenderMime.IRenderer {
    return this._registry.createRenderer(mime);
  }

  model(mime: string, data: unknown): IRenderMime.IMimeModel {
    return new MimeModel({
      trusted: false,
      data: { [mime]: data } as IRenderMime.IMimeModel['data']
    });
  }

  /** Made when it is first needed: extensions register their renderers while Lab starts. */
  private get _registry(): IRenderMimeRegistry {
    this._own ??= this._lab.clone({
      sanitizer: new PanelSanitizer(address =>
        this._trans.__('Image: %1', address.slice(0, 200))
      )
    });
    return this._own;
  }

  private _own: IRenderMimeRegistry | null = null;
}
