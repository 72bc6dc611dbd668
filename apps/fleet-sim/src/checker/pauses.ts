/**
 * The longest pause since any moment. Only pauses that no later one exceeds can ever be the answer, so few are kept:
 * each entry is later and shorter than the one before.
 */
export class PauseHistory {
  private constructor(private readonly kept: [atUs: number, pauseUs: number][]) {}

  static of(entries: readonly (readonly [number, number])[] = []): PauseHistory {
    return new PauseHistory(entries.map(([at, pause]) => [at, pause]));
  }

  /** Adds a pause that ended at a time not before the last one added. */
  add(atUs: number, pauseUs: number): void {
    while ((this.kept.at(-1)?.[1] ?? Infinity) <= pauseUs) this.kept.pop();
    this.kept.push([atUs, pauseUs]);
    // The first entry is the longest of all times and stays; the bound drops the one after it.
    if (this.kept.length > maxKept) this.kept.splice(1, 1);
  }

  /** The longest pause that ended at or after a time, in microseconds; 0 when there was none. */
  longestSince(sinceUs: number): number {
    let low = 0;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.kept[middle]?.[0] ?? 0) < sinceUs) low = middle + 1;
      else high = middle;
    }
    return this.kept[low]?.[1] ?? 0;
  }

  toEntries(): [number, number][] {
    return this.kept.map(([at, pause]) => [at, pause]);
  }
}

const maxKept = 4096;
