/** Whether a kind's plan is made from its arguments alone: for specs over every kind. */
import { canonicalPlan, digestOf } from '../domain/digest.js';
import type { JobKind } from '../engine/kind.js';

/** What is wrong with a kind's `plan` for these arguments, in words; nothing when they alone decide, in whatever order they name things. */
export function impurities(kind: JobKind, params: unknown, inputs: unknown): string[] {
  const looked = new Set<string>();
  const digest = (givenParams: unknown, givenInputs: unknown) => {
    const draft = withoutWorld(looked, () => kind.plan(givenParams, givenInputs));
    return digestOf(canonicalPlan(kind.kind, kind.version, params, draft));
  };
  const kept = JSON.stringify([params, inputs]);
  const first = digest(params, inputs);
  const found = [
    ...(digest(params, inputs) === first ? [] : ['the same inputs, planned again, have another digest']),
    ...(digest(throughJson(params), throughJson(inputs)) === first ? [] : ['inputs that went through JSON have another digest']),
    ...(digest(turned(params), turned(inputs)) === first ? [] : ['inputs with their members in another order have another digest']),
    ...(JSON.stringify([params, inputs]) === kept ? [] : ['it changes what it is given']),
  ];
  return [...found, ...[...looked].map((name) => `it looks at ${name}`)];
}

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The same value, the members of each object the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, turned(member)]),
  );
}

/** Works while the clock and randomness tell of each look at them. */
function withoutWorld<T>(looked: Set<string>, work: () => T): T {
  const undo: (() => void)[] = [];
  const watch = (owner: object, key: string, name: string) => {
    const own = Object.getOwnPropertyDescriptor(owner, key);
    const real = Reflect.get(owner, key) as (...given: unknown[]) => unknown;
    const watched = new Proxy(real, {
      apply: (target, self, given) => {
        looked.add(name);
        return Reflect.apply(target, self, given);
      },
      construct: (target, given) => {
        // A date of a given time is no look at the clock.
        if (given.length === 0) looked.add(name);
        return Reflect.construct(target, given) as object;
      },
    });
    Object.defineProperty(owner, key, { value: watched, configurable: true, writable: true });
    undo.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, key);
      else Object.defineProperty(owner, key, own);
    });
  };
  try {
    watch(Date, 'now', 'the clock');
    watch(globalThis, 'Date', 'the clock');
    watch(performance, 'now', 'the clock');
    watch(process, 'hrtime', 'the clock');
    watch(Math, 'random', 'randomness');
    watch(crypto, 'randomUUID', 'randomness');
    watch(crypto, 'getRandomValues', 'randomness');
    return work();
  } finally {
    for (const restore of undo.reverse()) restore();
  }
}
