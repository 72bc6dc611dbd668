/** Old partitions on other storage: a tablespace on disk, in a database whose partitions hold 100 positions. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { adminClient, type AdminAccess, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, testFolder, type TestDatabase } from '@fairlead/testing';
import { archivePartitions, createAppender, followLog, headPosition, listProjections, readEventsAt, readLog } from './index.js';
import { partitionedDatabase, type PartitionedDatabase } from './partitions.fixture.js';

let cluster: TestDatabase;
let partitioned: PartitionedDatabase;
let access: AdminAccess;
let db: Database;
let admin: Awaited<ReturnType<typeof adminClient>>;
let folder: string;
const tablespace = `cold_${randomBytes(4).toString('hex')}`;

beforeAll(async () => {
  cluster = await testDatabase({ service: 'placement' });
  partitioned = await partitionedDatabase(cluster);
  ({ access, db } = partitioned);
  admin = await adminClient(access);
  // The server runs as another user and makes the folder's content its own.
  folder = testFolder('cold');
  chmodSync(folder, 0o777);
  await admin.query(`create tablespace ${tablespace} location '${await ownedFolder()}'`);
  const appender = createAppender({ catalogue: testEvents, sql: db });
  const command = () => ({
    commandId: newId('command'),
    events: Array.from(
      { length: 50 },
      () => ({ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: { id: newId('command') } }) as const,
    ),
  });
  for (let n = 0; n < 9; n += 1) await appender.append(command());
  await db.query('select log.keep_partitions()');
}, 60_000);

afterAll(async () => {
  await admin.end();
  await partitioned.drop();
  await cluster.adminSql.query(`drop tablespace ${tablespace}`);
  await cluster.drop();
});

/** A folder that the server's own user made. */
async function ownedFolder(): Promise<string> {
  await admin.query(`copy (select) to program 'mkdir -m 700 ${folder}/here'`);
  return `${folder}/here`;
}

const partitions = () =>
  db.query<{ name: string; sealed: boolean; tablespace: string; first_position: number; last_position: number; bytes: number }>(
    'select name, sealed, tablespace, first_position, last_position, bytes from log.partitions order by name',
  );

describe('partitions that are full', () => {
  it('are told from the others', async () => {
    expect(
      (await partitions()).map(({ name, sealed, first_position, last_position }) => [name, sealed, first_position, last_position]),
    ).toEqual([
      ['event_000000', true, 0, 99],
      ['event_000001', true, 100, 199],
      ['event_000002', true, 200, 299],
      ['event_000003', true, 300, 399],
      ['event_000004', false, 400, 499],
      ['event_000005', false, 500, 599],
    ]);
    for (const { bytes } of await partitions()) expect(bytes).toBeGreaterThan(0);
  });

  it('move to another tablespace but for the newest, with their indexes and as they were', async () => {
    const before = await readLog(db, { after: 0, limit: 1_000 });
    const told: string[] = [];
    const moved = await archivePartitions(access, { tablespace, keep: 2, onMoved: (name) => told.push(name) });
    expect(moved).toEqual(['event_000000', 'event_000001']);
    expect(told).toEqual(moved);
    expect((await partitions()).map((one) => one.tablespace)).toEqual([
      tablespace,
      tablespace,
      'pg_default',
      'pg_default',
      'pg_default',
      'pg_default',
    ]);
    const { rows } = await admin.query<{ elsewhere: string | number }>(
      `select count(*) as elsewhere from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_tablespace t on t.oid = c.reltablespace
         where i.indrelid in ('log.event_000000'::regclass, 'log.event_000001'::regclass) and t.spcname is distinct from $1`,
      [tablespace],
    );
    expect(Number(rows[0]?.elsewhere)).toBe(0);
    expect(await readLog(db, { after: 0, limit: 1_000 })).toEqual(before);
    expect(await archivePartitions(access, { tablespace, keep: 2 })).toEqual([]);
    expect(readdirSync(folder)).toEqual(['here']);
  });

  it.each([`update log.event_000000 set type = 'x'`, 'delete from log.event where position = 5', 'truncate log.event_000000'])(
    'are append-only there too: %s',
    async (statement) => {
      await expect(admin.query(statement)).rejects.toThrow('append-only');
    },
  );

  it('that are not full stay, as does one that is not there', async () => {
    await expect(admin.query(`select log.archive_partition('event_000004', $1)`, [tablespace])).rejects.toThrow('is not full');
    await expect(admin.query(`select log.archive_partition('event_000005', $1)`, [tablespace])).rejects.toThrow('is not full');
    await expect(admin.query(`select log.archive_partition('head', $1)`, [tablespace])).rejects.toThrow('no partition head');
    await expect(archivePartitions(access, { tablespace: 'nowhere', keep: 0 })).rejects.toThrow('"nowhere" does not exist');
    await expect(archivePartitions(access, { tablespace, keep: -1 })).rejects.toThrow('a whole number');
  });

  it('move while events are appended and a reader holds others; one that is being read is given up soon', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
    const holding = Promise.withResolvers<undefined>();
    const done = Promise.withResolvers<undefined>();
    const reading = db.transaction(async (tx) => {
      await tx.query('select * from log.event where position between 200 and 210');
      holding.resolve(undefined);
      await done.promise;
    });
    await holding.promise;
    const refused = archivePartitions(access, { tablespace, keep: 1 });
    const failure = expect(refused).rejects.toThrow('lock timeout');
    await eventually(
      async () => (await cluster.adminSql.query(`select 1 from pg_locks where not granted and mode = 'AccessExclusiveLock'`)).length > 0,
      { what: 'the move to wait for the reader' },
    );
    expect(
      await appender.append({
        commandId: newId('command'),
        events: [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {} }],
      }),
    ).toMatchObject({ status: 'ok' });
    await failure;
    done.resolve(undefined);
    await reading;
    expect(await archivePartitions(access, { tablespace, keep: 1 })).toEqual(['event_000002']);
  });

  it('hold up nobody else while one is moved', async () => {
    await db.query(`select log.lock_projection('cold_spec'), log.add_epoch('cold_spec', 1, 1, '{}')`);
    await db.query(`select log.advance_parts('cold_spec', 1, array[0], 0, 420)`);
    const holding = Promise.withResolvers<undefined>();
    const done = Promise.withResolvers<undefined>();
    const moving = (async () => {
      // As archivePartitions does, which can't be held up half-way.
      await admin.query('vacuum (analyze) log.event_000003');
      await admin.query('begin');
      await admin.query(`select log.archive_partition('event_000003', $1)`, [tablespace]);
      holding.resolve(undefined);
      await done.promise;
      await admin.query('rollback');
    })();
    await holding.promise;
    try {
      await db.transaction(async (tx) => {
        await tx.query(`set local lock_timeout = '1s'`);
        const appender = createAppender({ catalogue: testEvents, sql: tx });
        const event = { aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {} } as const;
        expect(await appender.append({ commandId: newId('command'), events: [event] })).toMatchObject({ status: 'ok' });
        const head = await headPosition(tx);
        const follower = followLog({ sql: tx, logger: createLogger({ service: 'test', level: 'silent' }) });
        const { events } = await follower.read({ cursor: { position: 420 }, limit: 5 });
        expect(events.map((one) => one.position)).toEqual([421, 422, 423, 424, 425]);
        await follower.stop();
        expect((await readLog(tx, { after: head - 3, limit: 10 })).map((one) => one.position)).toEqual([head - 2, head - 1, head]);
        expect((await readEventsAt(tx, [1, head])).map((one) => one.position)).toEqual([1, head]);
        const found = await tx.query<{ name: string; bytes: number }>('select name, bytes from log.partitions');
        for (const { bytes } of found) expect(bytes).toBeGreaterThan(0);
        expect(await listProjections(tx)).toMatchObject([{ name: 'cold_spec', lag: head - 420 }]);
      });
      // It is locked, and who asks for more than the others waits.
      const all = db.transaction(async (tx) => {
        await tx.query(`set local lock_timeout = '100ms'`);
        await tx.query('select max(position) from log.event');
      });
      await expect(all).rejects.toThrow('lock timeout');
    } finally {
      done.resolve(undefined);
      await moving;
    }
  });
});
