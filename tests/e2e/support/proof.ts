/** What the proofs share: their form, their seed, and the record of what they found. */
import { writeFileSync } from 'node:fs';
import { afterAll } from '@jest/globals';

export interface Proof {
  /** All of it, as `npm run proof` asks; else the short form that is part of `npm test`. */
  readonly full: boolean;
  readonly seed: number;
  /** How long to go on at least, in milliseconds; 0 for once through. */
  readonly atLeastMs: number;
  /** The next number of the seed's row, from 0 up to 1. */
  random(): number;
  /** The list in an order of the seed's. */
  shuffled<T>(list: readonly T[]): T[];
  /** Figures for people, by name; in the file and at the end of the output. */
  readonly figures: Record<string, unknown>;
  /** All that was seen; in the file. */
  readonly raw: unknown[];
}

/** Makes a proof's frame; call it once, at the top of its file. In the full form figures and raw data are written when its tests have ended. */
export function proof(): Proof {
  const { env } = process;
  const file = env['FAIRLEAD_PROOF'] ?? '';
  const seed = Number(env['FAIRLEAD_PROOF_SEED'] ?? '1');
  const random = numbersFrom(seed);
  const made: Proof = {
    full: file !== '',
    seed,
    atLeastMs: Number(env['FAIRLEAD_PROOF_MINUTES'] ?? '0') * 60_000,
    random,
    shuffled: (list) =>
      list
        .map((item) => ({ item, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
    figures: {},
    raw: [],
  };
  afterAll(() => {
    if (made.full) writeFileSync(file, JSON.stringify({ figures: made.figures, raw: made.raw }));
  });
  return made;
}

/** A row of numbers that looks random and is the same for the same seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
