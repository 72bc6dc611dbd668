import { appendAllInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Sql, Transaction } from '@fairlead/postgres';
import { changesBetween, endpointKey, stateOf, unmeasured, type EndpointHealth, type HealthChange } from '../domain/health.js';

/** What is known of the fleet. */
export interface Snapshot {
  readonly endpoints: ReadonlyMap<string, EndpointHealth>;
  /** No endpoint was asked before, and which there are was not found out before; undefined when nothing is known yet. */
  readonly takenAt: Date | undefined;
}

/** What was just sensed. */
export interface Sensed {
  readonly endpoints: readonly EndpointHealth[];
  /** When it was just found out which endpoints are registered: those that are not, and were not seen since, are gone. */
  readonly registered?: { readonly keys: readonly string[]; readonly asOf: Date } | undefined;
  /** From when on the whole snapshot is, with this. */
  readonly takenAt: Date | undefined;
}

export interface Stored {
  /** What is now stored of those that were sensed; undefined for one that is gone. */
  readonly endpoints: ReadonlyMap<string, EndpointHealth | undefined>;
  readonly changes: readonly HealthChange[];
  readonly position: number | undefined;
}

const eventsPerCommand = 500;

/** Reads the last stored snapshot. */
export async function readSnapshot(sql: Sql): Promise<Snapshot> {
  const [round] = await sql.query<{ taken_at: Date | null }>('select taken_at from round');
  return { endpoints: await readEndpoints(sql), takenAt: round?.taken_at ?? undefined };
}

async function readEndpoints(sql: Sql, where = '', values: readonly unknown[] = []): Promise<Map<string, EndpointHealth>> {
  const rows = await sql.query<{ endpoint_key: string; health: EndpointHealth }>(
    `select endpoint_key, health from endpoint_health ${where}`,
    [...values],
  );
  // Rows of earlier releases lack what was added since.
  return new Map(rows.map(({ endpoint_key, health }) => [endpoint_key, { ...unmeasured, ...health }]));
}

/**
 * Stores what was sensed, newer over older, and appends an event for each change. Changes are found against what is
 * stored, so that several replicas tell each change once. Answers what is then stored of it, what changed, and the
 * log's last position when it grew.
 */
export async function storeSensed(database: Database, sensed: Sensed): Promise<Stored> {
  return database.transaction(async (tx) => {
    // Held until the commit: replicas compare and store one after the other.
    await tx.query('update round set taken_at = greatest(taken_at, $1)', [sensed.takenAt ?? null]);
    const before = await affectedBy(tx, sensed);
    const after = merged(before, sensed);
    const changes = changesBetween(before, after);
    await writeEndpoints(tx, before, after);
    const position = await appendChanges(tx, changes);
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    return { endpoints: new Map(keys.map((key) => [key, after.get(key)])), changes, position };
  });
}

/** What is stored of the endpoints that were sensed, and of those that are no longer registered. */
async function affectedBy(tx: Transaction, { endpoints, registered }: Sensed): Promise<Map<string, EndpointHealth>> {
  const sensed = await readEndpoints(tx, 'where endpoint_key = any($1)', [endpoints.map(endpointKey)]);
  if (registered === undefined) return sensed;
  const gone = await readEndpoints(tx, 'where not (endpoint_key = any($1)) and taken_at <= $2', [registered.keys, registered.asOf]);
  return new Map([...sensed, ...gone]);
}

function merged(before: ReadonlyMap<string, EndpointHealth>, { endpoints }: Sensed): Map<string, EndpointHealth> {
  const after = new Map<string, EndpointHealth>();
  for (const health of endpoints) {
    const key = endpointKey(health);
    const known = after.get(key) ?? before.get(key);
    after.set(key, known === undefined || known.takenAt <= health.takenAt ? health : known);
  }
  return after;
}

async function writeEndpoints(
  tx: Transaction,
  before: ReadonlyMap<string, EndpointHealth>,
  after: ReadonlyMap<string, EndpointHealth>,
): Promise<void> {
  const gone = [...before.keys()].filter((key) => !after.has(key));
  if (gone.length > 0) await tx.query('delete from endpoint_health where endpoint_key = any($1)', [gone]);
  const written = [...after].filter(([key, health]) => before.get(key) !== health);
  if (written.length === 0) return;
  await tx.query(
    `insert into endpoint_health (endpoint_key, taken_at, health)
     select * from unnest($1::text[], $2::timestamptz[], $3::jsonb[])
     on conflict (endpoint_key) do update set taken_at = excluded.taken_at, health = excluded.health`,
    [written.map(([key]) => key), written.map(([, { takenAt }]) => takenAt), written.map(([, health]) => JSON.stringify(health))],
  );
}

/** The last statement of its transaction. */
async function appendChanges(tx: Transaction, changes: readonly HealthChange[]): Promise<number | undefined> {
  const events = changes.map(changeEvent);
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

function told(health: EndpointHealth | undefined) {
  if (health === undefined) return null;
  const { version, gitSha, problem, takenAt } = health;
  return { state: stateOf(health), version, git_sha: gitSha, problem, taken_at: takenAt };
}
