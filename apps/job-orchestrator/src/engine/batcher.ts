import { isConnectionError, type Database } from '@fairlead/postgres';

/**
 * Gathers what is given while a call is on its way, and hands it on together in the next. Under no load nothing waits; under
 * load one transaction carries the work of many.
 */
export class Batcher<Item, Result> {
  private readonly queue: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  private active = false;

  /** `work` answers one result for each item, in their order, and does all or nothing. */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly most = 200,
  ) {}

  /** Rejects with what the call rejects with; one item that can't be done does not fail those that travel with it. */
  do(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.begin();
    });
  }

  private begin(): void {
    if (this.active) return;
    this.active = true;
    // At the end of this turn, so that what is given in it travels together.
    setImmediate(() => void this.drain());
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) await this.call(this.queue.splice(0, this.most));
    this.active = false;
  }

  private async call(entries: typeof this.queue): Promise<void> {
    try {
      const results = await this.work(entries.map(({ item }) => item));
      if (results.length !== entries.length) throw new Error('each item has one result');
      entries.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      if (entries.length > 1 && !isConnectionError(error)) {
        for (const entry of entries) await this.call([entry]);
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
