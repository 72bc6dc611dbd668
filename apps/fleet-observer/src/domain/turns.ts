/** When each endpoint's turn is: spread over the interval, each at its own moment of it, the same in every cycle. */

/** A number from 0 up to 2^32 that is an endpoint's own, and evenly spread over all keys: FNV-1a with Murmur3's finish. */
function spread(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export interface Turns {
  readonly intervalMs: number;
  /** In every so many-th turn metrics are read, too. */
  readonly metricsEvery: number;
}

/**
 * The endpoint's turn after one moment and until another, both counted from any beginning that stays: undefined when it has
 * none. Whatever moments a time is cut at, it has one turn in each interval.
 */
export function turnBetween(turns: Turns, key: string, afterMs: number, untilMs: number): { metrics: boolean } | undefined {
  const own = spread(key);
  const phaseMs = ((own % 65_536) / 65_536) * turns.intervalMs;
  const turn = Math.floor((untilMs - phaseMs) / turns.intervalMs);
  if (turn <= Math.floor((afterMs - phaseMs) / turns.intervalMs)) return undefined;
  return { metrics: (turn + (own >>> 16)) % turns.metricsEvery === 0 };
}
