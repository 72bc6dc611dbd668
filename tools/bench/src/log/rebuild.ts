/** How fast a projection is rebuilt beside the epoch that serves, until reads go to the new one; beside reading and decoding the same events. */
import { setTimeout as pause } from 'node:timers/promises';
import { decodeEvent, defineProjection, listProjections, requestRebuild, startProjection, type StoredEvent } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { compare, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { query } from './appends.js';
import { fillLog } from './filling.js';
import { clusterOf } from './servers.js';
import { openOurDatabase } from './database.js';

/** As a rebuild reads. */
const scannedPage = 8_000;
const name = 'tenant_seen';

/** The shape of the view: where each tenant stands, and how many events it has had. */
const shape = `set role fairlead_placement_owner;
create table placement.tenant_seen_v1 (tenant_id text primary key, events bigint not null, revision bigint not null)`;

const upsert = (table: string) => `insert into ${table} as t (tenant_id, events, revision)
  select * from unnest($1::text[], $2::bigint[], $3::bigint[])
  on conflict (tenant_id) do update set events = t.events + excluded.events, revision = excluded.revision`;

const definition = defineProjection({
  name,
  version: 1,
  tables: { [name]: 'tenant_seen_v1' },
  reads: ['tenant'],
  apply: async (tx, page, tables) => {
    const seen = new Map<string, { events: number; revision: number }>();
    for (const event of page) {
      const before = seen.get(event.aggregateId)?.events ?? 0;
      seen.set(event.aggregateId, { events: before + 1, revision: event.payload.revision });
    }
    const rows = [...seen];
    const values = [rows.map(([id]) => id), rows.map(([, row]) => row.events), rows.map(([, row]) => row.revision)];
    await tx.query(upsert(tables[name]), values);
  },
});

/** The part `rebuild`. */
export async function measureRebuild(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const { url, adminUrl } = await cluster.eventLog('rebuild');
  await query(adminUrl, shape);
  const [db, admin] = await Promise.all([openOurDatabase(url), openOurDatabase(adminUrl)]);
  const rates = { ours: [] as number[], scan: [] as number[] };
  const events = await fillLog(db, run.quick ? 10_000 : 300_000);
  await query(adminUrl, 'vacuum analyze log.event');
  const worker = startProjection({ definition, db, logger: createLogger({ service: 'bench', level: 'silent' }) });
  try {
    // What serves has all, as in an installation that runs.
    await until(async () => (await serving(db))?.position === events);
    for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
      for (const who of round % 2 === 0 ? (['ours', 'scan'] as const) : (['scan', 'ours'] as const)) {
        const elapsedMs = await (who === 'ours' ? rebuilt(db, admin, events) : scanned(db, events));
        rates[who].push((events / elapsedMs) * 1_000);
        run.log(`  ${who.padEnd(5)} ${(rates[who].at(-1) ?? 0).toFixed(0)} /s`);
      }
    }
  } finally {
    await worker.stop();
    await Promise.all([db.close(), admin.close()]);
  }
  const given = {
    ours: rates.ours,
    peer: rates.scan,
    peerName: `reading pages of ${String(scannedPage)}, decoded`,
    goal: { atLeast: 0.5 },
  };
  return [compare({ metric: 'projection rebuilt', unit: 'events/s', ...given })];
}

/** From the request of an operator, who has the rights of `audit`, until reads go to the new epoch. */
async function rebuilt(db: Database, admin: Database, events: number): Promise<number> {
  const before = (await serving(db))?.epoch;
  const since = performance.now();
  await requestRebuild(admin, name);
  await until(async () => (await serving(db))?.epoch !== before);
  const elapsedMs = performance.now() - since;
  const [row] = await db.query<{ events: number }>(`select sum(events)::bigint as events from ${name}`);
  if (row?.events !== events) throw new Error(`the view has ${String(row?.events)} events, and not ${String(events)}`);
  // The tables of the epoch before are dropped, which is not waited for by readers.
  await until(async () => (await listProjections(db, name))[0]?.epochs.length === 1);
  return elapsedMs;
}

async function serving(db: Database) {
  return (await listProjections(db, name))[0]?.epochs.find((epoch) => epoch.serving);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(5);
}

/** Without anything that our own readers see to. */
const scan = `select position, aggregate_type as "aggregateType", aggregate_id as "aggregateId", version, type, schema_version as "schemaVersion",
    payload, meta, recorded_at as "recordedAt"
  from log.event where position > $1 order by position limit $2`;

async function scanned(db: Database, events: number): Promise<number> {
  const since = performance.now();
  let seen = 0;
  for (let cursor = 0; seen < events;) {
    const page = (await db.query<StoredEvent>(scan, [cursor, scannedPage])).map((event) => decodeEvent(event));
    seen += page.length;
    cursor = page.at(-1)?.position ?? cursor;
  }
  return performance.now() - since;
}
