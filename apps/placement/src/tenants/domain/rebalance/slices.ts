/** Long work in slices of so many operations, between which whoever has it done may do something else. What comes of it is the same either way. */

/** Work that yields after each slice, and answers when it is done. */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** Looks at a shard or a tenant: some milliseconds. A count, not a time, so that work is cut at the same places anywhere. */
const operationsPerSlice = 200_000;

/** Counts the operations of a slice. */
export class SliceCounter {
  private done = 0;
  /** All that were counted. */
  total = 0;

  constructor(private readonly most = operationsPerSlice) {}

  /** Counts operations that were done, or are about to be. */
  count(operations: number): void {
    this.done += operations;
    this.total += operations;
  }

  /** Whether the slice is over, and the next one has begun: then the work yields. */
  isOver(): boolean {
    if (this.done < this.most) return false;
    this.done = 0;
    return true;
  }
}

/** Does work without a stop, and answers what came of it. Throws what the work throws. */
export function withoutStop<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does work slice by slice, and gives way after each. Answers what came of it; throws what the work or giving way throws. */
export async function givingWay<T>(work: Sliced<T>, giveWay: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await giveWay();
  }
}
