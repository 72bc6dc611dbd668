/** How many refusals are recorded; the others are counted. */
export interface RefusalBudget {
  /** Whether to record one more, and how many were not since the last one that was. */
  take(nowMs: number): { readonly unrecorded: number } | undefined;
}

/** Lets so many be recorded in each window of time: whoever is refused without end does not fill the log. */
export function createRefusalBudget({ limit, windowMs }: { readonly limit: number; readonly windowMs: number }): RefusalBudget {
  let [startedAt, taken, unrecorded] = [-Infinity, 0, 0];
  return {
    take: (nowMs) => {
      if (nowMs - startedAt >= windowMs) [startedAt, taken] = [nowMs, 0];
      if (taken >= limit) {
        unrecorded += 1;
        return undefined;
      }
      const told = { unrecorded };
      [taken, unrecorded] = [taken + 1, 0];
      return told;
    },
  };
}
