// What the providers of context share: lists that are asked for at each key, and failures.
// Not here: what is offered (frames.ts, files.ts, findings.ts).

/** How long an answer is taken for new, in milliseconds. */
export const FRESH = 3000;

/** Asks for lists, each at most once in a while; a failure becomes a sentence. */
export class Offers<T> {
  constructor(private _now: () => number = Date.now) {}

  /** Why the last list is missing, or null. */
  get problem(): string | null {
    return this._problem;
  }

  /** The list of `key`, from `fetch` unless it came from there a moment ago. */
  async get(key: string, fetch: () => Promise<T[]>): Promise<T[]> {
    const now = this._now();
    for (const [known, { since }] of this._lists) {
      if (now - since >= FRESH) {
        this._lists.delete(known);
      }
    }
    let entry = this._lists.get(key);
    if (!entry) {
      entry = { since: now, list: settled(fetch()) };
      this._lists.set(key, entry);
    }
    const { found, problem } = await entry.list;
    this._problem = problem;
    return found;
  }

  private _problem: string | null = null;
  private _lists = new Map<
    string,
    { since: number; list: Promise<IList<T>> }
  >();
}

interface IList<T> {
  found: T[];
  problem: string | null;
}

async function settled<T>(list: Promise<T[]>): Promise<IList<T>> {
  try {
    return { found: await list, problem: null };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { found: [], problem };
  }
}

/** Those whose name holds what was typed; names that begin with it come first. */
export function fitting<T>(
  items: readonly T[],
  typed: string,
  nameOf: (item: T) => string
): T[] {
  const wanted = typed.toLowerCase();
  const names = items.map(item => ({ item, name: nameOf(item).toLowerCase() }));
  const begin = names.filter(({ name }) => name.startsWith(wanted));
  const hold = names.filter(
    ({ name }) => !name.startsWith(wanted) && name.includes(wanted)
  );
  return [...begin, ...hold].map(({ item }) => item);
}
