/** Partitions and installation, in a database whose partitions hold 100 positions. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { adminClient, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { createAppender, headPosition, installEventLog, keepPartitions, readLog, type Command } from './index.js';
import { partitionedDatabase, type PartitionedDatabase } from './partitions.fixture.js';

const logger = createLogger({ service: 'test', level: 'silent' });
/** For its cluster; the log under test is in a database of its own. */
let cluster: TestDatabase;
let partitioned: PartitionedDatabase;
let db: Database;

beforeAll(async () => {
  cluster = await testDatabase({ service: 'placement' });
  partitioned = await partitionedDatabase(cluster);
  ({ db } = partitioned);
}, 60_000);

afterAll(async () => {
  await partitioned.drop();
  await cluster.drop();
});

const command = (events = 1): Command<TestEvents> => ({
  commandId: newId('command'),
  events: Array.from({ length: events }, () => ({ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {} })),
});

async function partitions(): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'log.event'::regclass order by 1`,
  );
  return rows.map((row) => row.name);
}

describe('partitions', () => {
  it('are there before they are needed, and made by an append that finds none', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db, maxBatch: 10 });
    expect(await partitions()).toEqual(['log.event_000000']);
    await Promise.all(Array.from({ length: 60 }, () => appender.append(command())));
    expect(await partitions()).toEqual(['log.event_000000']);
    const stop = keepPartitions({ sql: db, logger });
    await eventually(async () => (await partitions()).length === 2, { what: 'the partition after the present one' });
    stop();
    // Nobody keeps them now.
    await Promise.all(Array.from({ length: 290 }, () => appender.append(command())));
    expect((await readLog(db, { after: 0, limit: 1_000 })).map((event) => event.position)).toEqual(
      Array.from({ length: 350 }, (_, n) => n + 1),
    );
    expect(await partitions()).toEqual(['log.event_000000', 'log.event_000001', 'log.event_000002', 'log.event_000003']);
  });

  it('keep no statistics of documents, also those that did before', async () => {
    const kept = () =>
      db.query<{ name: string }>(
        `select a.attrelid::regclass || '.' || a.attname as name from pg_inherits i join pg_attribute a on a.attrelid = i.inhrelid
           where i.inhparent = 'log.event'::regclass and a.attname in ('payload', 'meta') and a.attstattarget is distinct from 0`,
      );
    expect(await kept()).toEqual([]);
    const admin = await adminClient(partitioned.access);
    await admin.query('alter table log.event_000001 alter column meta set statistics default').finally(() => admin.end());
    expect(await kept()).toEqual([{ name: 'log.event_000001.meta' }]);
    await installEventLog(partitioned.access);
    expect(await kept()).toEqual([]);
  });

  it('that are missing are named by the append that needs them, which leaves nothing', async () => {
    const head = await headPosition(db);
    const [row] = await db.query<{ until: number }>('select partitioned_until as until from log.head');
    const events = (row?.until ?? 0) - head;
    const appender = createAppender({
      catalogue: testEvents,
      sql: { query: (text, params) => db.query(text.replace('log.keep_partitions()', '1'), params) },
    });
    await expect(appender.append(command(events))).rejects.toMatchObject({
      code: 'audit_unavailable',
      cause: { message: expect.stringContaining(`no partition for position ${String(head + events)}`) },
    });
    expect(await headPosition(db)).toBe(head);
    expect(await appender.append(command(events - 1))).toMatchObject({ status: 'ok', lastPosition: head + events - 1 });
  });

  it('are made beside a reader and an appender that hold the log', async () => {
    const before = (await partitions()).length;
    await db.transaction(async (reader) => {
      await reader.query('select count(*) from log.event');
      const [row] = await db.query<{ made: number }>(`select log.keep_partitions() as made`);
      expect(row?.made).toBeGreaterThan(0);
      expect(await createAppender({ catalogue: testEvents, sql: db }).append(command())).toMatchObject({ status: 'ok' });
    });
    expect((await partitions()).length).toBeGreaterThan(before);
  });

  it('are made once when many ask at once', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
    for (let n = 0; n < 3; n += 1) {
      await appender.append(command(60));
      await Promise.all(Array.from({ length: 8 }, () => db.query('select log.keep_partitions()')));
    }
    const names = await partitions();
    expect(new Set(names).size).toBe(names.length);
    const [row] = await db.query<{ until: number; position: number }>('select partitioned_until as until, position from log.head');
    expect(row?.until).toBe(names.length * 100);
    expect((row?.until ?? 0) - (row?.position ?? 0)).toBeGreaterThan(50);
  });

  it('keep an aggregate’s versions unique and can be read by aggregate across all of them', async () => {
    const events = await readLog(db, { after: 0, limit: 10_000, aggregateType: 'tenant', aggregateId: 'acme' });
    expect(events.map((event) => event.version)).toEqual(Array.from({ length: await headPosition(db) }, (_, n) => n + 1));
    const indexes = await db.query<{ indexes: number }>(
      `select count(*) as indexes from pg_inherits join pg_index on indrelid = inhrelid where inhparent = 'log.event'::regclass and indisunique and not indisprimary`,
    );
    expect(indexes[0]?.indexes).toBe((await partitions()).length);
  });
});

describe('installing', () => {
  it('again, several at once, changes nothing that is there', async () => {
    const before = await db.query('select * from log.head');
    const { access } = partitioned;
    await Promise.all([installEventLog(access), installEventLog({ ...access, partitionSize: 500 }), installEventLog(cluster.admin)]);
    expect(await db.query('select * from log.head')).toEqual(before);
    expect(await createAppender({ catalogue: testEvents, sql: db }).append(command())).toMatchObject({ status: 'ok' });
  });

  it('limits how long a service’s session may idle in a transaction', async () => {
    expect(await db.query('show idle_in_transaction_session_timeout')).toEqual([{ idle_in_transaction_session_timeout: '5s' }]);
  });
});
