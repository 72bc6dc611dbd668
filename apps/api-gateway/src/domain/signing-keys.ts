/** A key's life: published, used, and trusted for as long as tokens that it signed may live. By the database's clock. */
export interface KeyTimes {
  readonly kid: string;
  readonly publishedAtMs: number;
  /** Null until it is used. */
  readonly signsFromMs: number | null;
  /** Null until another key is used in its place. */
  readonly trustedUntilMs: number | null;
}

export type KeyState = 'next' | 'current' | 'previous';

/** When keys are replaced, all in milliseconds. */
export interface RotationRule {
  /** How long a key is used. */
  readonly everyMs: number;
  /** How long a key is published before it is used: no verifier may keep the keys it has read for so long. */
  readonly leadMs: number;
  /** How long a key is trusted after its last use: as long as a token lives, and a little more. */
  readonly overlapMs: number;
}

/** What a key is there for at present. */
export function stateOf({ signsFromMs, trustedUntilMs }: KeyTimes): KeyState {
  if (signsFromMs === null) return 'next';
  return trustedUntilMs === null ? 'current' : 'previous';
}

/** How long it is until the next key may be used; undefined without one. */
export function leadLeftMs(keys: readonly KeyTimes[], nowMs: number, { leadMs }: RotationRule): number | undefined {
  const next = keys.find((key) => stateOf(key) === 'next');
  return next === undefined ? undefined : Math.max(0, next.publishedAtMs + leadMs - nowMs);
}

/** True when the next key is to be used by now: it is known well enough, and the one in use is old, or there is none. */
export function isRotationDue(keys: readonly KeyTimes[], nowMs: number, rule: RotationRule): boolean {
  if (leadLeftMs(keys, nowMs, rule) !== 0) return false;
  const current = keys.find((key) => stateOf(key) === 'current');
  return current === undefined || (current.signsFromMs ?? 0) + rule.everyMs <= nowMs;
}

/** True for a key whose tokens are taken: one that was published and whose time has not ended. */
export function isTrusted({ trustedUntilMs }: KeyTimes, nowMs: number): boolean {
  return trustedUntilMs === null || trustedUntilMs > nowMs;
}
