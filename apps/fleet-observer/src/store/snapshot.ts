import { appendAllInTransaction, type NewEvent } from '@fairlead/event-log';
import { compareVersions, type PlacementVersion } from '@fairlead/placement-map';
import type { Database, Sql, Transaction } from '@fairlead/postgres';
import {
  changesBetween,
  endpointKey,
  latestOf,
  latestPossible,
  stateOf,
  unmeasured,
  type EndpointHealth,
  type HealthChange,
} from '../domain/health.js';
import { conditionChanges, removed, seen, type ConditionChange, type Happening, type Kept } from '../domain/looks.js';
import { unseen, type Stability, type StabilityRules } from '../domain/stability.js';
import { addToHistory, dropOldHistory, type HistoryBounds } from './history.js';

/** What is known of the fleet. */
export interface Snapshot {
  readonly endpoints: ReadonlyMap<string, EndpointHealth>;
  /** No endpoint was asked before, and which there are was not found out before; undefined when nothing is known yet. */
  readonly takenAt: Date | undefined;
}

/** What is stored. */
export interface StoredSnapshot extends Snapshot {
  /** The newest version of placement that any replica went by; undefined when none is known. */
  readonly newest: PlacementVersion | undefined;
}

/** What was just sensed. */
export interface Sensed {
  readonly endpoints: readonly EndpointHealth[];
  /** The version of placement by which these endpoints were found; undefined when nobody could tell. */
  readonly version: PlacementVersion | undefined;
  /** When it was just found out which endpoints are registered: those that are not, and were not seen since, are gone. */
  readonly registered?: { readonly keys: readonly string[]; readonly asOf: Date } | undefined;
  /** From when on the whole snapshot is, with this. */
  readonly takenAt: Date | undefined;
}

export interface Stored {
  /** What is now stored of those that were sensed; undefined for one that is gone, also by a newer placement than was gone by. */
  readonly endpoints: ReadonlyMap<string, EndpointHealth | undefined>;
  readonly changes: readonly HealthChange[];
  readonly conditions: readonly ConditionChange[];
  readonly position: number | undefined;
  /** The newest version of placement that any replica went by. */
  readonly newest: PlacementVersion | undefined;
}

const eventsPerCommand = 500;

/** Reads the last stored snapshot. */
export async function readSnapshot(sql: Sql): Promise<StoredSnapshot> {
  // One that a clock told which was ahead says nothing of how old all is.
  const [round] = await sql.query<Round & { taken_at: Date | null }>(
    `select case when taken_at <= $1 then taken_at end as taken_at, ${roundColumns} from round`,
    [latestPossible(new Date())],
  );
  return { endpoints: await readEndpoints(sql), takenAt: round?.taken_at ?? undefined, newest: newestOf(round) };
}

interface Round {
  readonly epoch: number | null;
  readonly revision: number | null;
}

const roundColumns = 'placement_version[1] as epoch, placement_version[2] as revision';

function newestOf(round: Round | undefined): PlacementVersion | undefined {
  if (round === undefined || round.epoch === null || round.revision === null) return undefined;
  return { epoch: round.epoch, revision: round.revision };
}

async function readEndpoints(sql: Sql): Promise<Map<string, EndpointHealth>> {
  return new Map([...(await readKept(sql))].map(([key, { health }]) => [key, health]));
}

/** Rows of earlier releases lack what was added since. */
type StoredHealth = Omit<EndpointHealth, 'metricsAskedAt'> & Partial<Pick<EndpointHealth, 'metricsAskedAt'>>;
const notStored = { ...unmeasured, condition: 'steady' };

async function readKept(sql: Sql, where = '', values: readonly unknown[] = []): Promise<Map<string, Kept>> {
  const rows = await sql.query<{
    endpoint_key: string;
    health: StoredHealth;
    stability: Stability | null;
    told: EndpointHealth | null;
  }>(`select endpoint_key, health, stability, told from endpoint_health ${where}`, [...values]);
  return new Map(
    rows.map(({ endpoint_key, health: stored, stability, told }) => {
      const health = { ...notStored, metricsAskedAt: stored.metricsTakenAt, ...stored };
      return [endpoint_key, { health, stability: stability ?? { ...unseen, startedAt: health.startedAt }, told: told ?? health }];
    }),
  );
}

/** How steadiness is judged, and how much of the past is kept. */
export interface KeepingRules {
  readonly stability: StabilityRules;
  readonly history: HistoryBounds;
}

/**
 * Whether what was found by this version may add and take away endpoints: not by an older one than another replica went by, and not
 * without any while one is known.
 */
export function isNewest(version: PlacementVersion | undefined, newest: PlacementVersion | undefined): boolean {
  return newest === undefined || (version !== undefined && compareVersions(version, newest) >= 0);
}

/**
 * Stores what was sensed, newer over older, adds to the endpoints' histories, and appends an event for each change that is told.
 * Changes are found against what is stored, so that several replicas tell each change once. Answers what is then stored of it, what
 * changed, and the log's last position when it grew.
 */
export async function storeSensed(database: Database, sensed: Sensed, rules: KeepingRules): Promise<Stored> {
  return database.transaction(async (tx) => {
    const newest = await advanceRound(tx, sensed);
    const counted = isNewest(sensed.version, newest) ? sensed : await stillThere(tx, sensed);
    const before = await affectedBy(tx, counted);
    const { after, happenings } = merged(before, counted, rules.stability);
    const told = (all: ReadonlyMap<string, Kept>) => new Map([...all].map(([key, one]) => [key, one.told]));
    const changes = changesBetween(told(before), told(after));
    const conditions = conditionChanges(happenings, after);
    await writeEndpoints(tx, before, after);
    await addToHistory(tx, happenings, rules.history);
    if (sensed.registered !== undefined) await dropOldHistory(tx, rules.history);
    const position = await appendChanges(tx, changes, conditions);
    const keys = [...new Set([...before.keys(), ...sensed.endpoints.map(endpointKey)])];
    return { endpoints: new Map(keys.map((key) => [key, after.get(key)?.health])), changes, conditions, position, newest };
  });
}

/** Whether what an older placement says of an endpoint is what others know of it: it is there, at the same address. */
export function isStillThere(sensed: EndpointHealth, known: EndpointHealth | undefined): boolean {
  return known !== undefined && known.url === sensed.url;
}

/** What an older placement tells that adds and takes away none. */
async function stillThere(tx: Transaction, sensed: Sensed): Promise<Sensed> {
  const { endpoints } = sensed;
  const known = await readKept(tx, 'where endpoint_key = any($1)', [endpoints.map(endpointKey)]);
  const found = endpoints.filter((one) => isStillThere(one, known.get(endpointKey(one))?.health));
  return { ...sensed, endpoints: found, registered: undefined };
}

/** Held until the commit: replicas compare and store one after the other. Answers the newest version that any of them went by. */
async function advanceRound(tx: Transaction, { takenAt, version }: Sensed): Promise<PlacementVersion | undefined> {
  // Who goes by an older one does not know all endpoints.
  const [round] = await tx.query<Round>(
    `update round set
       taken_at = case when placement_version > coalesce($3::bigint[], '{}') then taken_at
         else greatest(case when taken_at <= $2 then taken_at end, $1) end,
       placement_version = greatest(placement_version, $3::bigint[])
     returning ${roundColumns}`,
    [takenAt ?? null, latestPossible(new Date()), version === undefined ? null : [version.epoch, version.revision]],
  );
  return newestOf(round);
}

/** What is stored of the endpoints that were sensed, and of those that are no longer registered. */
async function affectedBy(tx: Transaction, { endpoints, registered }: Sensed): Promise<Map<string, Kept>> {
  const sensed = await readKept(tx, 'where endpoint_key = any($1)', [endpoints.map(endpointKey)]);
  if (registered === undefined) return sensed;
  const gone = await readKept(tx, 'where not (endpoint_key = any($1)) and (taken_at <= $2 or taken_at > $3)', [
    registered.keys,
    registered.asOf,
    latestPossible(new Date()),
  ]);
  return new Map([...sensed, ...gone]);
}

/** What is to be stored of them: those that were not sensed are gone. */
function merged(before: ReadonlyMap<string, Kept>, { endpoints }: Sensed, rules: StabilityRules) {
  const after = new Map<string, Kept>();
  const happenings: Happening[] = [];
  const now = new Date();
  for (const sensed of endpoints) {
    const key = endpointKey(sensed);
    const known = after.get(key) ?? before.get(key);
    const health = known === undefined ? sensed : latestOf(known.health, sensed, now);
    if (known !== undefined && known.health === health) {
      after.set(key, known);
      continue;
    }
    const look = seen(known, health, rules);
    after.set(key, look.after);
    happenings.push(...look.happenings);
  }
  for (const [key, kept] of before) if (!after.has(key)) happenings.push(removed(kept, now.toISOString()));
  return { after, happenings };
}

async function writeEndpoints(tx: Transaction, before: ReadonlyMap<string, Kept>, after: ReadonlyMap<string, Kept>): Promise<void> {
  const gone = [...before.keys()].filter((key) => !after.has(key));
  if (gone.length > 0) await tx.query('delete from endpoint_health where endpoint_key = any($1)', [gone]);
  const written = [...after].filter(([key, kept]) => before.get(key) !== kept);
  if (written.length === 0) return;
  await tx.query(
    `insert into endpoint_health (endpoint_key, taken_at, health, stability, told)
     select * from unnest($1::text[], $2::timestamptz[], $3::jsonb[], $4::jsonb[], $5::jsonb[])
     on conflict (endpoint_key) do update set
       taken_at = excluded.taken_at, health = excluded.health, stability = excluded.stability, told = excluded.told`,
    [
      written.map(([key]) => key),
      written.map(([, { health }]) => health.takenAt),
      written.map(([, { health }]) => JSON.stringify(health)),
      written.map(([, { stability }]) => JSON.stringify(stability)),
      written.map(([, { health, told }]) => (told === health ? null : JSON.stringify(told))),
    ],
  );
}

/** The last statement of its transaction. */
async function appendChanges(
  tx: Transaction,
  changes: readonly HealthChange[],
  conditions: readonly ConditionChange[],
): Promise<number | undefined> {
  const events = [...changes.map(changeEvent), ...conditions.map(conditionEvent)];
  const commands = Array.from({ length: Math.ceil(events.length / eventsPerCommand) }, (_, index) => ({
    events: events.slice(index * eventsPerCommand, (index + 1) * eventsPerCommand),
  }));
  return commands.length === 0 ? undefined : (await appendAllInTransaction(tx, commands)).at(-1)?.lastPosition;
}

function changeEvent({ key, endpoint, from, to }: HealthChange): NewEvent {
  const { kind, shardId, endpointId, url } = endpoint;
  return {
    aggregateType: 'endpoint',
    aggregateId: key,
    type: 'endpoint_health_changed',
    payload: { kind, shard_id: shardId, endpoint_id: endpointId, url, from: told(from), to: told(to) },
  };
}

function conditionEvent({ key, endpoint, from, to }: ConditionChange): NewEvent {
  const { kind, shardId, endpointId, url, takenAt } = endpoint;
  return {
    aggregateType: 'endpoint',
    aggregateId: key,
    type: 'endpoint_condition_changed',
    payload: { kind, shard_id: shardId, endpoint_id: endpointId, url, from, to, state: stateOf(endpoint), taken_at: takenAt },
  };
}

function told(health: EndpointHealth | undefined) {
  if (health === undefined) return null;
  const { version, gitSha, problem, takenAt } = health;
  return { state: stateOf(health), version, git_sha: gitSha, problem, taken_at: takenAt };
}
