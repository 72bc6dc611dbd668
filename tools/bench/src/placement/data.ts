/** Seeded data: the same in every run. */

/** Numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return hash(state) / 2 ** 32;
  };
}

/** A number of 32 bits from one or two others. */
export function hash(value: number, salt = 0): number {
  let mixed = value ^ Math.imul(salt, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Loads by Zipf's law, the largest first, with 1 as the mean. */
export function zipf(count: number, exponent: number): number[] {
  const raw = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
  const mean = raw.reduce((sum, load) => sum + load, 0) / count;
  return raw.map((load) => load / mean);
}

/** A factor by the log-normal law with a median of 1. */
export function drift(random: () => number, sigma: number): number {
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

/** Each shard's load over what it can be at best: the mean, or its largest tenant where that is more. The highest, and over the mean alone. */
export function ratios(shards: readonly number[], tenants: readonly { load: number; at: number }[]): { ratio: number; overMean: number } {
  const loads = new Map(shards.map((shard) => [shard, 0]));
  const largest = new Map<number, number>();
  for (const { load, at } of tenants) {
    const now = loads.get(at);
    if (now === undefined) throw new Error(`a tenant is on shard ${String(at)}, which is not there`);
    loads.set(at, now + load);
    largest.set(at, Math.max(largest.get(at) ?? 0, load));
  }
  const mean = tenants.reduce((sum, { load }) => sum + load, 0) / shards.length;
  const of = ([shard, load]: [number, number]) => load / Math.max(mean, largest.get(shard) ?? 0);
  // Sums of 50,000 numbers are exact to that.
  const exact = (value: number) => Number(value.toFixed(9));
  return { ratio: exact(Math.max(...[...loads].map(of))), overMean: exact(Math.max(...loads.values()) / mean) };
}
