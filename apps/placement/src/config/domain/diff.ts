/** What two documents differ in, path by path. */
import canonicalize from 'canonicalize';
import { pointerOf } from './problems.js';

/** One difference. A list is compared place by place, so one element more at its front changes them all. */
export type Change = { readonly path: readonly (string | number)[] } & (
  | { readonly op: 'added'; readonly after: unknown }
  | { readonly op: 'removed'; readonly before: unknown }
  | { readonly op: 'changed'; readonly before: unknown; readonly after: unknown }
);

/** What has to be done to `before` to make it `after`; both are JSON values. Sorted by path. */
export function diff(before: unknown, after: unknown, path: readonly (string | number)[] = []): Change[] {
  if (same(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before as unknown[], after as unknown[], path);
  if (isObject(before) && isObject(after)) return diffObjects(before, after, path);
  return [{ op: 'changed', path, before, after }];
}

function diffLists(before: readonly unknown[], after: readonly unknown[], path: readonly (string | number)[]): Change[] {
  const common = Math.min(before.length, after.length);
  return [
    ...before.slice(0, common).flatMap((value, at) => diff(value, after[at], [...path, at])),
    ...after.slice(common).map((value, at): Change => ({ op: 'added', path: [...path, common + at], after: value })),
    ...before.slice(common).map((value, at): Change => ({ op: 'removed', path: [...path, common + at], before: value })),
  ];
}

function diffObjects(before: Record<string, unknown>, after: Record<string, unknown>, path: readonly (string | number)[]): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key): Change[] => {
    const at = [...path, key];
    if (!Object.hasOwn(before, key)) return [{ op: 'added', path: at, after: after[key] }];
    if (!Object.hasOwn(after, key)) return [{ op: 'removed', path: at, before: before[key] }];
    return diff(before[key], after[key], at);
  });
}

/** Makes of a value what the changes say; throws when they are not changes of this value. */
export function applyDiff(changes: readonly Change[], value: unknown): unknown {
  return changes.reduce((now, change) => applyChange(change, change.path, now), value);
}

function applyChange(change: Change, path: readonly (string | number)[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    if (change.op !== 'changed') throw new Error('a whole document is only ever changed');
    return change.after;
  }
  if (Array.isArray(value)) return withElement(value as unknown[], Number(key), change, rest);
  if (!isObject(value)) throw new Error(`there is nothing at ${pointerOf(change.path)}`);
  const others = Object.entries(value).filter(([name]) => name !== key);
  if (rest.length === 0 && change.op === 'removed') return Object.fromEntries(others);
  const made = rest.length === 0 && change.op === 'added' ? change.after : applyChange(change, rest, value[key]);
  return Object.fromEntries([...others, [key, made]]);
}

function withElement(list: readonly unknown[], at: number, change: Change, rest: readonly (string | number)[]): unknown[] {
  // Of elements at the end that go, each is the last one when its turn has come from behind; so the end is cut.
  if (rest.length === 0 && change.op === 'removed') return list.slice(0, at);
  if (rest.length === 0 && change.op === 'added') return [...list, change.after];
  return list.map((element, index) => (index === at ? applyChange(change, rest, element) : element));
}

function same(one: unknown, other: unknown): boolean {
  return canonicalize(one) === canonicalize(other);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
