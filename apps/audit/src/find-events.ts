import type { Sql } from '@fairlead/postgres';
import type { TrailEnds } from './projections/audit-record/query.js';
import { findInLog, findInTrail, type EventFilter, type Range } from './store/events.js';

/** How a search begins and what it may cost. */
export interface Search extends Range {
  readonly filter: EventFilter;
  readonly oldestFirst: boolean;
  readonly limit: number;
  /** Which positions the trail has records of. */
  readonly trail: TrailEnds;
  /** After this time no further window is looked at. */
  readonly budgetMs?: number;
}

/** What was found, in the order asked for, and where to go on; undefined when the whole range was looked at. */
export interface Found {
  readonly positions: number[];
  readonly cursor: number | undefined;
}

/** How many positions are looked at in one statement: few at first, more while it finds too little. */
const window = { first: 20_000, growth: 4, mostInLog: 100_000 };
const defaultBudgetMs = 700;

/**
 * Finds events without ever scanning millions of rows in one statement: window by window, by the trail's indexes where the
 * trail has records, in the log itself where it has not come yet or is sealed, or when the log's own index serves. When its time is up it
 * answers what it has, with a cursor that has moved on.
 */
export async function findEvents(sql: Sql, search: Search): Promise<Found> {
  const { filter, oldestFirst, limit } = search;
  const deadline = performance.now() + (search.budgetMs ?? defaultBudgetMs);
  const way = wayOf(filter);
  const positions: number[] = [];
  let { low, high } = search;
  for (let size = window.first; low <= high; size *= window.growth) {
    const { range, source } = nextWindow({ ...search, low, high }, way, size);
    const find = source === 'trail' ? findInTrail : findInLog;
    positions.push(...(await find(sql, filter, range, { oldestFirst, limit: limit - positions.length })));
    const last = positions.at(-1);
    if (positions.length === limit && last !== undefined)
      return { positions, cursor: last === (oldestFirst ? high : low) ? undefined : last };
    if (oldestFirst) low = range.high + 1;
    else high = range.low - 1;
    if (performance.now() > deadline && low <= high) return { positions, cursor: oldestFirst ? range.high : range.low };
  }
  return { positions, cursor: undefined };
}

/** By the key or an aggregate's index any range costs little; other filters have their indexes in the trail alone. */
type Way = 'index' | 'trail';

function wayOf({ aggregateType, aggregateId, action, ...ids }: EventFilter): Way {
  if (aggregateId !== undefined) return 'index';
  const given: readonly unknown[] = [aggregateType, action, ...Object.values(ids)];
  return given.every((value) => value === undefined) ? 'index' : 'trail';
}

function nextWindow({ low, high, oldestFirst, trail }: Search, way: Way, size: number): { range: Range; source: 'log' | 'trail' } {
  if (way === 'index') return { range: { low, high }, source: 'log' };
  const at = oldestFirst ? low : high;
  const source = at > trail.sealedUntil && at <= trail.position ? 'trail' : 'log';
  const most = source === 'trail' ? size : Math.min(size, window.mostInLog);
  // A window lies in what is sealed, in the trail, or behind it.
  if (oldestFirst) {
    const end = [trail.sealedUntil, trail.position].find((one) => at <= one) ?? high;
    return { range: { low, high: Math.min(high, low + most - 1, end) }, source };
  }
  const begin = [trail.position + 1, trail.sealedUntil + 1].find((one) => at >= one) ?? low;
  return { range: { low: Math.max(low, high - most + 1, begin), high }, source };
}
