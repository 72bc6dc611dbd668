/** What one more look at an endpoint makes of what is kept of it: its history, and what is told to others. */
import { endpointKey, stateOf, type EndpointHealth } from './health.js';
import { afterLook, conditionOf, isRestart, notAfter, type Condition, type Stability, type StabilityRules, unseen } from './stability.js';

/** What is kept of an endpoint. */
export interface Kept {
  readonly health: EndpointHealth;
  readonly stability: Stability;
  /** What was told of it last: while it is not steady, what it was before. */
  readonly told: EndpointHealth;
}

export const happenings = ['registered', 'removed', 'state', 'version', 'restarted', 'condition'] as const;

/** Something that happened to an endpoint, for its history. */
export interface Happening {
  readonly key: string;
  readonly at: string;
  readonly what: (typeof happenings)[number];
  /** What was and what is, in the words of `what`: states, versions, starts, conditions; empty for nothing. */
  readonly from: string;
  readonly to: string;
  readonly problem: string;
}

export interface Seen {
  readonly after: Kept;
  readonly happenings: readonly Happening[];
}

/** Adds a look. What an endpoint that is not steady does is in its history, and told no more until it is steady again. */
export function seen(before: Kept | undefined, sensed: EndpointHealth, rules: StabilityRules): Seen {
  const known = notAfter(before?.stability ?? unseen, sensed.takenAt);
  const [from, to] = [before && stateOf(before.health), stateOf(sensed)];
  const look = { at: sensed.takenAt, changed: from !== undefined && from !== to, startedAt: sensed.startedAt };
  const stability = afterLook(known, look, rules);
  const condition = conditionOf(stability);
  const health = { ...sensed, condition };
  const happened = (what: Happening['what'], was: string, is: string): Happening => {
    return { key: endpointKey(sensed), at: sensed.takenAt, what, from: was, to: is, problem: sensed.problem };
  };
  const all: Happening[] = [];
  if (before === undefined) all.push(happened('registered', '', to));
  else {
    const versions = [versionOf(before.health), versionOf(sensed)] as const;
    if (isRestart(known.startedAt, sensed.startedAt)) all.push(happened('restarted', known.startedAt, sensed.startedAt));
    if (look.changed) all.push(happened('state', from ?? '', to));
    if (versions[0] !== versions[1]) all.push(happened('version', ...versions));
    if (conditionOf(known) !== condition) all.push(happened('condition', conditionOf(known), condition));
  }
  return { after: { health, stability, told: condition === 'steady' || before === undefined ? health : before.told }, happenings: all };
}

/** What remains of one that is no longer registered. */
export function removed({ health }: Kept, at: string): Happening {
  return { key: endpointKey(health), at, what: 'removed', from: stateOf(health), to: '', problem: '' };
}

export interface ConditionChange {
  readonly key: string;
  readonly endpoint: EndpointHealth;
  readonly from: Condition;
  readonly to: Condition;
}

/** The conditions among what happened. */
export function conditionChanges(all: readonly Happening[], now: ReadonlyMap<string, Kept>): ConditionChange[] {
  return all.flatMap(({ key, what, from, to }) => {
    const endpoint = now.get(key)?.health;
    return what === 'condition' && endpoint !== undefined ? [{ key, endpoint, from: from as Condition, to: to as Condition }] : [];
  });
}

function versionOf({ version, gitSha }: EndpointHealth): string {
  return version === '' ? '' : `${version} (${gitSha})`;
}
