/**
 * How steady an endpoint is. Each change of its state counts one, and what is counted halves with time, as route flap damping of
 * routers has it (RFC 2439): above one figure the endpoint is flapping, and it is so until it has come below a lower one.
 */

export const conditions = ['steady', 'flapping', 'crash_looping'] as const;
export type Condition = (typeof conditions)[number];

export interface StabilityRules {
  /** So many changes of state in a short time are flapping. */
  readonly changes: number;
  /** After this long half of what was counted is forgotten. */
  readonly halfLifeMs: number;
  /** So many restarts within the window are a crash loop, until a whole window has none. */
  readonly restarts: number;
  readonly restartWindowMs: number;
}

export interface Stability {
  /** The changes of state that still count, as of `asOf`. */
  readonly penalty: number;
  readonly asOf: string;
  readonly flapping: boolean;
  /** When restarts were noticed, the last ones within the window. */
  readonly restarts: readonly string[];
  readonly crashLooping: boolean;
  /** The latest start of the process that was ever told; empty when none was. */
  readonly startedAt: string;
}

/** What was seen of an endpoint. */
export interface Look {
  readonly at: string;
  /** Its state is another than the time before. */
  readonly changed: boolean;
  /** When its process began; empty when that is not known. */
  readonly startedAt: string;
}

/** Clocks are set, and a start is told in whole seconds by some: less of a difference is the same process. */
const sameStartMs = 2_000;
const mostRestarts = 20;

/** Of an endpoint that was never seen. */
export const unseen: Stability = { penalty: 0, asOf: '', flapping: false, restarts: [], crashLooping: false, startedAt: '' };

/** Counts a look; the earlier ones are in `before`. One that is older than they are decays nothing. */
export function afterLook(before: Stability, look: Look, rules: StabilityRules): Stability {
  const atMs = Date.parse(look.at);
  const passedMs = before.asOf === '' ? 0 : Math.max(0, atMs - Date.parse(before.asOf));
  const left = before.penalty * 0.5 ** (passedMs / rules.halfLifeMs);
  // Bounded, so that whatever has happened is over in a few half-lives.
  const penalty = Math.min(rules.changes * 1.5, left + (look.changed ? 1 : 0));
  const restarted = isRestart(before.startedAt, look.startedAt);
  const recent = before.restarts.filter((at) => atMs - Date.parse(at) < rules.restartWindowMs);
  const restarts = restarted ? [...recent, look.at].slice(-mostRestarts) : recent;
  return {
    penalty,
    asOf: before.asOf > look.at ? before.asOf : look.at,
    flapping: before.flapping ? penalty > rules.changes / 3 : penalty >= rules.changes - 0.5,
    restarts,
    crashLooping: before.crashLooping ? restarts.length > 0 : restarts.length >= rules.restarts,
    startedAt: restarted || before.startedAt === '' ? look.startedAt : before.startedAt,
  };
}

/** What is counted, with no time after one moment: what a clock told that was ahead would count until that has come. */
export function notAfter(stability: Stability, at: string): Stability {
  const earlier = (one: string) => (one > at ? at : one);
  return { ...stability, asOf: earlier(stability.asOf), restarts: stability.restarts.map(earlier) };
}

/** True when a process began that is later than all that were told: one of several behind an address that began before is none. */
export function isRestart(latest: string, startedAt: string): boolean {
  return latest !== '' && startedAt !== '' && Date.parse(startedAt) - Date.parse(latest) > sameStartMs;
}

/** The condition in one word: a crash loop explains why states change, so it goes first. */
export function conditionOf({ flapping, crashLooping }: Pick<Stability, 'flapping' | 'crashLooping'>): Condition {
  return crashLooping ? 'crash_looping' : flapping ? 'flapping' : 'steady';
}
