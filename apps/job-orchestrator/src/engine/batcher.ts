import { isConnectionError, type Database } from '@fairlead/postgres';

const mostItems = 200;
/** So many must wait before a second call is made beside the first: of fewer, one call more costs more than it gains. */
const worthASecondCall = 20;
/** What travels together holds the log's head while it is written. */
const mostBytes = 4 * 1024 * 1024;

/** Thrown by what a batcher calls: nothing was done because of these, which are to be given alone, and the others without them. */
export class Apart extends Error {
  constructor(readonly items: ReadonlySet<unknown>) {
    super('some of what was given together has to be given alone');
  }
}

/**
 * Gathers what is given while a call is on its way, and hands it on together in the next. Under no load nothing waits; under
 * load one transaction carries the work of many. Two calls at most are on their way at once.
 */
export class Batcher<Item, Result> {
  private readonly queue: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  private calls = 0;
  private beginning = false;

  /** `work` answers one result for each item, in their order, and does all or nothing. `bytesOf` tells how large an item is. */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly bytesOf: (item: Item) => number = () => 0,
  ) {}

  /** Rejects with what the call rejects with; one item that can't be done does not fail those that travel with it. */
  do(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.begin();
    });
  }

  private begin(): void {
    if (this.beginning || this.calls > 1 || (this.calls === 1 && this.queue.length < worthASecondCall)) return;
    this.beginning = true;
    // At the end of this turn, so that what is given in it travels together.
    setImmediate(() => {
      this.beginning = false;
      void this.next();
    });
  }

  private async next(): Promise<void> {
    if (this.queue.length === 0) return;
    this.calls += 1;
    const entries = this.queue.splice(0, Math.min(this.share(), this.fitting()));
    this.begin();
    await this.call(entries);
    this.calls -= 1;
    this.begin();
  }

  /**
   * Of many that come at once, half: the other half goes in a second call. What is answered together asks for the next together; in two
   * halves, this process works on the one while the other is on its way.
   */
  private share(): number {
    const { length } = this.queue;
    return this.calls === 1 && length >= 2 * worthASecondCall && length <= mostItems ? Math.ceil(length / 2) : length;
  }

  /** How many of those that wait travel together: at least one. */
  private fitting(): number {
    let bytes = 0;
    const over = this.queue.slice(0, mostItems).findIndex(({ item }, index) => (bytes += this.bytesOf(item)) > mostBytes && index > 0);
    return over === -1 ? mostItems : over;
  }

  private async call(entries: typeof this.queue): Promise<void> {
    try {
      const results = await this.work(entries.map(({ item }) => item));
      if (results.length !== entries.length) throw new Error('each item has one result');
      entries.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      const apart = error instanceof Apart ? entries.filter(({ item }) => error.items.has(item)) : [];
      if (apart.length > 0 && apart.length < entries.length) {
        await this.call(entries.filter((entry) => !apart.includes(entry)));
        for (const entry of apart) await this.call([entry]);
      } else if (entries.length > 1 && !isConnectionError(error)) {
        const half = Math.ceil(entries.length / 2);
        await this.call(entries.slice(0, half));
        await this.call(entries.slice(half));
      } else {
        for (const { reject } of entries) reject(error);
      }
    }
  }
}

/** One batcher for each database, whoever calls: what is given by all callers travels together. */
export function batcherPerDatabase<Item, Result>(
  work: (db: Database, items: readonly Item[]) => Promise<readonly Result[]>,
): (db: Database) => Batcher<Item, Result> {
  const made = new WeakMap<Database, Batcher<Item, Result>>();
  return (db) => {
    const batcher = made.get(db) ?? new Batcher<Item, Result>((items) => work(db, items));
    made.set(db, batcher);
    return batcher;
  };
}
