import type { Sql } from '@fairlead/postgres';
import type { TrailRecord } from './type.js';

/** Which records to list; what is left out does not filter. */
export interface RecordFilter {
  /** From this time on, inclusive. */
  readonly from?: Date;
  /** Up to this time, exclusive. */
  readonly to?: Date;
  readonly principal?: string;
  readonly tenantId?: string;
  /** Of these tenants alone. */
  readonly tenants?: readonly string[];
  readonly action?: ActionFilter;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly jobId?: string;
  /** What it was done to. */
  readonly resource?: { readonly type: string; readonly id: string };
}

export type ActionFilter = { readonly exactly: string } | { readonly startingWith: string };

/** What was found, newest first, and the position before which to go on; undefined when there is nothing further. */
export interface RecordsFound {
  readonly records: TrailRecord[];
  readonly nextBefore: number | undefined;
}

/** A filter with so few records that all of them are looked at for the others, as most ids have. */
const fewRecords = 2_000;
/** A filter of more values than these is not looked up one by one. */
const mostLookedUp = 200;
/** Positions of one window, where several filters are all common: few at first, more while it finds too little. */
const window = { first: 20_000, growth: 2, most: 40_000 };
/** After this time no further window is looked at. */
const windowsMs = 80;

/**
 * A page of records before a position (0: from the newest on), in a time that does not grow with the trail, whatever is asked:
 *
 * - Times are positions: an event is never recorded before the one that stands before it.
 * - One filter is a range of its index, which ends in the position.
 * - Of several, one that has few records is looked through. When all are common they may seldom meet: then the range is looked at window by
 *   window, and when that takes too long the page is what was found, with a position that has moved on.
 */
export async function listRecords(
  sql: Sql,
  filter: RecordFilter,
  page: { before: number; limit: number; budgetMs?: number },
): Promise<RecordsFound> {
  const range = await rangeOf(sql, filter, page.before);
  const actions = filter.action === undefined ? undefined : await actionsOf(sql, filter.action);
  if (range.high < range.low || actions?.length === 0 || filter.tenants?.length === 0) return { records: [], nextBefore: undefined };
  const wanted = wantedBy(filter, actions);
  const ask = { sql, range, limit: page.limit + 1 };
  const lookedUp = wanted.filter(({ anyOf }) => (anyOf?.length ?? 0) <= mostLookedUp);
  const first = wanted.length > 1 ? await fewOf(ask, lookedUp) : lookedUp[0];
  if (wanted.length === 0 || first !== undefined) return cut(await select(ask, wanted, first), page.limit);
  return selectInWindows(ask, wanted, page.limit, page.budgetMs ?? windowsMs);
}

/** Positions, inclusive. */
interface Range {
  readonly low: number;
  readonly high: number;
}

interface Ask {
  readonly sql: Sql;
  readonly range: Range;
  readonly limit: number;
}

/** Columns and what a record has to have there, or one column and what it may have. */
interface Wanted {
  readonly columns: string;
  readonly values: readonly string[];
  readonly anyOf?: readonly string[];
}

async function rangeOf(sql: Sql, { from, to }: RecordFilter, before: number): Promise<Range> {
  const [row] = await sql.query<{ low: number | null; high: number | null }>(
    `select (select position from record where $1::timestamptz is not null and time >= $1 order by time, position limit 1) as low,
       (select position from record where $2::timestamptz is not null and time < $2 order by time desc, position desc limit 1) as high`,
    [from ?? null, to ?? null],
  );
  const trail = await trailEnds(sql);
  const end = before > 0 ? before - 1 : trail.position;
  return {
    low: from === undefined ? trail.sealedUntil + 1 : Math.max(trail.sealedUntil + 1, row?.low ?? Infinity),
    high: to === undefined ? end : Math.min(end, row?.high ?? 0),
  };
}

/** The actions that there are of those asked for: one look into the index for each. */
async function actionsOf(sql: Sql, action: ActionFilter): Promise<string[]> {
  if ('exactly' in action) return [action.exactly];
  const found = await sql.query<{ action: string }>(
    `with recursive found as (
       (select action from record where action ~>=~ $1 order by action using ~<~ limit 1)
       union all
       select (select r.action from record r where r.action ~>~ f.action order by r.action using ~<~ limit 1)
         from found f where starts_with(f.action, $1)
     ) select action from found where starts_with(action, $1)`,
    [action.startingWith],
  );
  return found.map((row) => row.action);
}

function wantedBy(filter: RecordFilter, actions: readonly string[] | undefined): Wanted[] {
  const { principal, tenantId, tenants, requestId, correlationId, traceId, jobId, resource } = filter;
  const equal = { principal, tenant_id: tenantId, request_id: requestId, correlation_id: correlationId, trace_id: traceId, job_id: jobId };
  return [
    ...Object.entries(equal).flatMap(([columns, value]) => (value === undefined ? [] : [{ columns, values: [value] }])),
    ...(resource === undefined ? [] : [{ columns: 'resource_type, resource_id', values: [resource.type, resource.id] }]),
    ...(tenants === undefined ? [] : [{ columns: 'tenant_id', values: [], anyOf: tenants }]),
    ...(actions === undefined ? [] : [{ columns: 'action', values: [], anyOf: actions }]),
  ];
}

/** Those of the filters that has few records in the range. */
async function fewOf({ sql, range }: Ask, wanted: readonly Wanted[]): Promise<Wanted | undefined> {
  if (wanted.length === 0) return undefined;
  const bind = binder();
  const counts = wanted.map(
    (one, n) => `select ${String(n)} as n, count(*) as found from ${newest('position', one, range, fewRecords + 1, bind)} few${String(n)}`,
  );
  const rows = await sql.query<{ n: number; found: number }>(counts.join(' union all '), bind.params);
  const [least] = rows.filter(({ found }) => found <= fewRecords).sort((a, b) => a.found - b.found);
  return least === undefined ? undefined : wanted[least.n];
}

const fields = `position, time, action, principal, via, tenant_id as "tenantId", resource_type as "resourceType",
       resource_id as "resourceId", request_id as "requestId", correlation_id as "correlationId", trace_id as "traceId",
       job_id as "jobId", step, reason, source_address as "sourceAddress", outcome, details`;
const order = (bind: Binder, limit: number) => `order by position desc limit ${bind(limit)}`;

/** By the first filter's index, and of what that has, which is few when there are others, by these. */
async function select({ sql, range, limit }: Ask, wanted: readonly Wanted[], first?: Wanted): Promise<TrailRecord[]> {
  const bind = binder();
  const rest = wanted.filter((one) => one !== first).map((one) => condition(one, bind));
  const source = first === undefined ? 'record' : `${newest('*', first, range, rest.length === 0 ? limit : fewRecords, bind)} newest`;
  const conditions = first === undefined ? [within(range, bind)] : rest;
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return sql.query<TrailRecord>(`select ${fields} from ${source} ${where} ${order(bind, limit)}`, bind.params);
}

/**
 * The newest records of one filter, as a range of its index. Compared as rows, so that the range is that index's and no other's: with a plain
 * equality the planner may walk through all positions instead, in the hope that what is common comes soon.
 */
function newest(what: string, { columns, values, anyOf }: Wanted, { low, high }: Range, limit: number, bind: Binder): string {
  const most = bind(limit);
  const rangeOfIndex = (keys: readonly string[], given: readonly string[]) =>
    `select ${anyOf === undefined ? what : '*'} from record
       where ${keys.map((key) => `${key} is not null`).join(' and ')} and (${keys.join(', ')}, position) <= (${given.join(', ')}, ${bind(high)}::bigint)
         and (${keys.join(', ')}, position) >= (${given.join(', ')}, ${bind(low)}::bigint)
       order by ${keys.map((key) => `${key} desc`).join(', ')}, position desc limit ${most}`;
  if (anyOf === undefined)
    return `(${rangeOfIndex(
      columns.split(', '),
      values.map((value) => bind(value)),
    )})`;
  // The newest of each value, and of these the newest. Actions have an index by their bytes.
  const bytes = columns === 'action' ? ' collate "C"' : '';
  return `(select of_each.${what} from unnest(${bind(anyOf)}::text[]) given(name)
    cross join lateral (${rangeOfIndex([`${columns}${bytes}`], [`given.name${bytes}`])}) of_each
    order by of_each.position desc limit ${most})`;
}

async function selectInWindows(
  { sql, range, limit }: Ask,
  wanted: readonly Wanted[],
  most: number,
  budgetMs: number,
): Promise<RecordsFound> {
  const deadline = performance.now() + budgetMs;
  const records: TrailRecord[] = [];
  let { high } = range;
  for (let size = window.first; high >= range.low; size = Math.min(size * window.growth, window.most)) {
    const low = Math.max(range.low, high - size + 1);
    // Sorted by itself: else a range of positions may be walked through for its order, past all that is not wanted.
    const bind = binder();
    const conditions = [...wanted.map((one) => condition(one, bind)), within({ low, high }, bind)].join(' and ');
    const text = `select ${fields} from (select * from record where ${conditions} offset 0) met ${order(bind, limit - records.length)}`;
    records.push(...(await sql.query<TrailRecord>(text, bind.params)));
    if (records.length === limit) return cut(records, most);
    high = low - 1;
    if (performance.now() > deadline && high >= range.low) return { records, nextBefore: low };
  }
  return cut(records, most);
}

/** One record more than was asked for tells that there are further ones. */
function cut(records: TrailRecord[], limit: number): RecordsFound {
  const page = records.slice(0, limit);
  return { records: page, nextBefore: records.length > limit ? page.at(-1)?.position : undefined };
}

interface Binder {
  (value: unknown): string;
  readonly params: unknown[];
}

function binder(): Binder {
  const params: unknown[] = [];
  return Object.assign((value: unknown) => `$${String(params.push(value))}`, { params });
}

const within = ({ low, high }: Range, bind: Binder) => `position between ${bind(low)} and ${bind(high)}`;

function condition({ columns, values, anyOf }: Wanted, bind: Binder): string {
  if (anyOf !== undefined) return `${columns} = any(${bind(anyOf)}::text[])`;
  return `(${columns}) = (${values.map((value) => bind(value)).join(', ')})`;
}

/** A pattern for LIKE that matches what begins so. */
export function prefixPattern(prefix: string): string {
  return `${prefix.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** Where the trail begins and ends. */
export interface TrailEnds {
  /** Up to here it is in sealed segments; 0 when nothing is sealed. */
  readonly sealedUntil: number;
  /** Of the newest record, 0 when there is none: every event has one, so the trail has come this far. */
  readonly position: number;
}

/** Which positions the trail has records of. */
export async function trailEnds(sql: Sql): Promise<TrailEnds> {
  const [row] = await sql.query<TrailEnds>(
    `select sealed_until as "sealedUntil", greatest(sealed_until, (select coalesce(max(position), 0) from record)) as position from sealing`,
  );
  return row ?? { sealedUntil: 0, position: 0 };
}
