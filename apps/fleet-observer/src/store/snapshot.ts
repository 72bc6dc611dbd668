import { appendAllInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Sql, Transaction } from '@fairlead/postgres';
import { changesBetween, endpointKey, stateOf, type EndpointHealth, type HealthChange } from '../domain/health.js';

/** What is known of the fleet: each endpoint's last health, and when all of them were last asked. */
export interface Snapshot {
  readonly endpoints: ReadonlyMap<string, EndpointHealth>;
  /** When the last complete round began; undefined before the first. */
  readonly takenAt: Date | undefined;
}

/** What was just sensed. */
export interface Sensed {
  readonly endpoints: readonly EndpointHealth[];
  /** For a complete round: when it began. Endpoints that it did not meet are gone. */
  readonly roundTakenAt?: Date;
}

export interface Stored {
  readonly snapshot: Snapshot;
  readonly changes: readonly HealthChange[];
  readonly position: number | undefined;
}

const eventsPerCommand = 500;

/** Reads the last stored snapshot. */
export async function readSnapshot(sql: Sql): Promise<Snapshot> {
  const [round] = await sql.query<{ taken_at: Date | null }>('select taken_at from round');
  return { endpoints: await readEndpoints(sql), takenAt: round?.taken_at ?? undefined };
}

async function readEndpoints(sql: Sql): Promise<Map<string, EndpointHealth>> {
  const rows = await sql.query<{ endpoint_key: string; health: EndpointHealth }>('select endpoint_key, health from endpoint_health');
  return new Map(rows.map((row) => [row.endpoint_key, row.health]));
}

/**
 * Stores what was sensed, newer over older, and appends an event for each change. Changes are found against what is
 * stored, so that several replicas tell each change once. Answers the snapshot as it then stands, what changed, and the
 * log's last position when it grew.
 */
export async function storeSensed(database: Database, sensed: Sensed): Promise<Stored> {
  return database.transaction(async (tx) => {
    const [round] = await tx.query<{ taken_at: Date | null }>('select taken_at from round for update');
    const before = await readEndpoints(tx);
    const after = merged(before, sensed);
    const changes = changesBetween(before, after);
    const takenAt = later(round?.taken_at ?? undefined, sensed.roundTakenAt);
    await writeEndpoints(tx, before, after);
    if (takenAt !== undefined) await tx.query('update round set taken_at = $1', [takenAt]);
    const position = await appendChanges(tx, changes);
    return { snapshot: { endpoints: after, takenAt }, changes, position };
  });
}

function merged(before: ReadonlyMap<string, EndpointHealth>, { endpoints, roundTakenAt }: Sensed): Map<string, EndpointHealth> {
  const met = new Set(endpoints.map(endpointKey));
  const kept = [...before].filter(
    ([key, { takenAt }]) => roundTakenAt === undefined || met.has(key) || takenAt > roundTakenAt.toISOString(),
  );
  const after = new Map(kept);
  for (const health of endpoints) {
    const known = before.get(endpointKey(health));
    if (known === undefined || known.takenAt <= health.takenAt) after.set(endpointKey(health), health);
  }
  return after;
}

function later(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
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
