/** A set of whole numbers kept as ranges: what is numbered without holes takes one range, however long it grows. */
export class RangeSet {
  // Disjoint, ascending, never adjacent: [from, to] both inclusive.
  private constructor(private readonly ranges: [number, number][]) {}

  static of(ranges: readonly (readonly [number, number])[] = []): RangeSet {
    return new RangeSet(ranges.map(([from, to]) => [from, to]));
  }

  get size(): number {
    return this.ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  /** The greatest member, 0 when empty. */
  get max(): number {
    return this.ranges.at(-1)?.[1] ?? 0;
  }

  has(n: number): boolean {
    const range = this.ranges[this.firstEndingAt(n)];
    return range !== undefined && range[0] <= n;
  }

  /** Adds a number; false when it was there. */
  add(n: number): boolean {
    const index = this.firstEndingAt(n - 1);
    const range = this.ranges[index];
    if (range === undefined || range[0] > n + 1) {
      this.ranges.splice(index, 0, [n, n]);
      return true;
    }
    if (range[0] <= n && n <= range[1]) return false;
    if (n === range[0] - 1) {
      range[0] = n;
      return true;
    }
    // The range ends right before n, and may now touch the next one.
    const next = this.ranges[index + 1];
    range[1] = n;
    if (next?.[0] === n + 1) {
      range[1] = next[1];
      this.ranges.splice(index + 1, 1);
    }
    return true;
  }

  /** The members that another set lacks, as ranges. */
  minus(other: RangeSet): [number, number][] {
    const left: [number, number][] = [];
    let index = 0;
    for (const [from, to] of this.ranges) {
      let start = from;
      for (;;) {
        const taken = other.ranges[index];
        if (taken === undefined || taken[0] > to) break;
        if (taken[0] > start) left.push([start, taken[0] - 1]);
        start = Math.max(start, taken[1] + 1);
        if (taken[1] >= to) break;
        index += 1;
      }
      if (start <= to) left.push([start, to]);
    }
    return left;
  }

  toRanges(): [number, number][] {
    return this.ranges.map(([from, to]) => [from, to]);
  }

  // The index of the first range that ends at n or later.
  private firstEndingAt(n: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle]?.[1] ?? 0) < n) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
