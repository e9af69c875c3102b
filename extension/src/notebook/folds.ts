// Keeps what the user folded or unfolded in HTML that is drawn anew.

export class Folds {
  constructor(private _host: HTMLElement) {
    // A click on a summary, by mouse or key, turns its state round.
    _host.addEventListener('click', event => {
      const target = event.target;
      const summary = target instanceof Element && target.closest('summary');
      const details = summary && summary.parentElement;
      if (details instanceof HTMLDetailsElement) {
        this._chosen.set(this._all().indexOf(details), !details.open);
      }
    });
  }

  /** Bring new content into the state that was chosen. */
  apply(): void {
    this._all().forEach((details, at) => {
      details.open = this._chosen.get(at) ?? details.open;
    });
  }

  private _all(): HTMLDetailsElement[] {
    return [...this._host.querySelectorAll('details')];
  }

  private _chosen = new Map<number, boolean>();
}
