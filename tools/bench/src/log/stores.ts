/** The stores that are compared, each used as its documentation says, behind the one call that is measured. */
import { crc32 } from 'node:zlib';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { createAppender, pokeLog } from '@fairlead/event-log';
import { openBus, ownBus } from './bus.js';
import { openOurDatabase } from './database.js';
import { openPool } from '../pool.js';

export const storeNames = ['ours', 'message-db', 'message-db-categories', 'emmett', 'rows'] as const;
export type StoreName = (typeof storeNames)[number];

export interface Store {
  /** Appends one event to a stream that stands at a version; resolves when it is committed. */
  append(stream: string, version: number): Promise<void>;
  close(): Promise<void>;
}

/** What every store is given: 150 bytes of payload, and who and why beside it. */
export const payload = {
  tenant_id: 'tenant-4711',
  name: 'Tenant 4711',
  requested: {},
  placement: { aggregate: 'east-1', projection: 'east-2', runner: 'west-1' },
  revision: 4711,
  epoch: 1,
};
export const meta = {
  principal: 'user:usr_01k9v7x2e8',
  request_id: 'req_01k9v7x2e8m3t5q6r7s8',
  correlation_id: 'cor_01k9v7x2e8m3t5q6r7s8',
  reason: 'a customer asked for it',
};

export interface StoreOptions {
  store: StoreName;
  url: string;
  /** Where we poke readers after each commit; left out for none. */
  natsUrl?: string;
  /** Callers at once. */
  appenders: number;
}

/** Opens a store. */
export async function openStore({ store, url, natsUrl, appenders }: StoreOptions): Promise<Store> {
  if (store === 'ours') return openOurs(url, natsUrl);
  if (store === 'message-db') return openMessageDb(url, appenders, () => 'tenant');
  if (store === 'message-db-categories') return openMessageDb(url, appenders, (stream) => `tenant${String(crc32(stream) % categories)}`);
  if (store === 'emmett') return openEmmett(url, appenders);
  return openRows(url);
}

/** A service's pool and its one appender: what every service has. */
async function openOurs(url: string, natsUrl: string | undefined): Promise<Store> {
  const db = await openOurDatabase(url);
  const messaging = natsUrl === undefined ? undefined : await openBus(ownBus(natsUrl));
  const onAppended = (position: number) => {
    if (messaging !== undefined) pokeLog(messaging, position);
  };
  const appender = createAppender({ sql: db.pipeline(), onAppended });
  return {
    append: async (stream, version) => {
      const event = {
        aggregateType: 'tenant',
        aggregateId: stream,
        expectedVersion: version,
        type: 'tenant_created',
        payload,
        meta,
      } as const;
      const outcome = await appender.append({ events: [event] });
      if (outcome.status !== 'ok' || outcome.repeated) throw new Error(`${stream} at ${String(version)}: ${JSON.stringify(outcome)}`);
    },
    close: async () => {
      await appender.close();
      await messaging?.close();
      await db.close();
    },
  };
}

/** So many that writers seldom meet in one. */
export const categories = 1_000;

/** A connection a caller, a prepared statement, the category as given: of all streams, or of each. */
function openMessageDb(url: string, appenders: number, categoryOf: (stream: string) => string): Store {
  const pool = openPool(url, appenders);
  return {
    append: async (stream, version) => {
      const values = [
        crypto.randomUUID(),
        `${categoryOf(stream)}-${stream}`,
        'TenantCreated',
        JSON.stringify(payload),
        JSON.stringify(meta),
        version - 1,
      ];
      await pool.query({ name: 'write', text: 'select message_store.write_message($1, $2, $3, $4, $5, $6)', values });
    },
    close: () => pool.end(),
  };
}

/** A connection a caller. */
function openEmmett(url: string, appenders: number): Store {
  const pool = openPool(url, appenders);
  const store = getPostgreSQLEventStore(url, { schema: { autoMigration: 'None' }, connectionOptions: { pool } });
  return {
    append: async (stream, version) => {
      const expectedStreamVersion = version === 0 ? 'STREAM_DOES_NOT_EXIST' : BigInt(version);
      await store.appendToStream(`tenant-${stream}`, [{ type: 'TenantCreated', data: payload, metadata: meta }], {
        expectedStreamVersion,
      });
    },
    close: async () => {
      await store.close();
      await pool.end();
    },
  };
}

export const rowsAtOnce = 1_000;

/** The table that rows are inserted in: an event's columns and indexes, and nothing else that makes a log. */
export const rowsTable = `create table row_of_event (
  position bigint generated always as identity primary key, aggregate_type text not null, aggregate_id text not null, version bigint not null,
  type text not null, schema_version int not null, payload jsonb not null, meta jsonb not null, recorded_at timestamptz not null default clock_timestamp(),
  unique (aggregate_type, aggregate_id, version)
)`;

/** What the machine can do at most: one connection that inserts a thousand rows with one prepared statement. */
function openRows(url: string): Store {
  const pool = openPool(url, 1);
  const text = `insert into row_of_event (aggregate_type, aggregate_id, version, type, schema_version, payload, meta)
    select 'tenant', $1, v, 'tenant_created', 1, p::jsonb, m::jsonb from unnest($2::bigint[], $3::text[], $4::text[]) r(v, p, m)`;
  return {
    append: async (stream, version) => {
      const numbers = Array.from({ length: rowsAtOnce }, (_, n) => version * rowsAtOnce + n);
      const values = [stream, numbers, numbers.map(() => JSON.stringify(payload)), numbers.map(() => JSON.stringify(meta))];
      await pool.query({ name: 'rows', text, values });
    },
    close: () => pool.end(),
  };
}
