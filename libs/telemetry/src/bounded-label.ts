/** What stands for all values that are not among the busiest. No tenant can be called so: ids are DNS labels. */
export const otherValues = '_other';

/** So many tenants a metric of ours tells apart at a time, besides all others together. */
export const tenantLabelValues = 20;

export interface BoundedLabelOptions {
  /** So many values are told apart at a time. */
  readonly most: number;
  /** After so long those that were busiest in it are the ones told apart; a minute when not given. */
  readonly windowMs?: number;
  /** Called with each value that is told apart no longer, so that its series can be removed. */
  readonly onDropped?: (value: string) => void;
}

export interface BoundedLabel {
  /** Counts one of a value, and answers the label it goes under: the value itself while it is told apart, else `otherValues`. */
  labelFor(value: string, nowMs: number): string;
  /** Which are told apart now. */
  values(): readonly string[];
}

/**
 * Keeps a label whose values nobody bounds, such as tenants, to `most` values and one for all others. Those told apart are the
 * first that come, and from the end of each window on those that were busiest in it. One with more than one part in `most + 1` of a window's
 * counts is told apart in the next. Memory is bounded as well: four times `most` values are counted (Space-Saving, Metwally et al., 2005).
 */
export function boundedLabel({ most, windowMs = 60_000, onDropped }: BoundedLabelOptions): BoundedLabel {
  let told = new Set<string>();
  let counts = new Map<string, number>();
  let windowEndsMs: number | undefined;

  const beginWindow = () => {
    const busiest = [...counts].sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1)).map(([value]) => value);
    // Those that were told apart stay while there is room: a series that comes and goes is of no use to anybody.
    const next = new Set([...busiest.slice(0, most), ...told].slice(0, most));
    for (const value of told) if (!next.has(value)) onDropped?.(value);
    told = next;
    counts = new Map();
  };
  return {
    labelFor: (value, nowMs) => {
      windowEndsMs ??= nowMs + windowMs;
      if (nowMs >= windowEndsMs) {
        beginWindow();
        windowEndsMs = nowMs + windowMs;
      }
      count(counts, value, most * 4);
      if (told.size < most) told.add(value);
      return told.has(value) ? value : otherValues;
    },
    values: () => [...told],
  };
}

/** One that is not counted yet takes the place, and the count, of the one with the least. */
function count(counts: Map<string, number>, value: string, capacity: number): void {
  const known = counts.get(value);
  if (known !== undefined || counts.size < capacity) {
    counts.set(value, (known ?? 0) + 1);
    return;
  }
  let [least, fewest] = ['', Infinity];
  for (const [other, times] of counts) if (times < fewest) [least, fewest] = [other, times];
  counts.delete(least);
  counts.set(value, fewest + 1);
}
