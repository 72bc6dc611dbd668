/** The log on a real Postgres, through the services' own roles. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger, newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase } from '@fairlead/testing';
import { appendInTransaction, createAppender, headPosition, readLog, type NewEvent } from './index.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let db: Database;
let orchestrator: Database;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations: [] });
  db = database.db;
  orchestrator = await openDatabase({
    ...database.access('job-orchestrator'),
    schema: 'job_orchestrator',
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'fatal' }),
  });
}, 60_000);

afterAll(async () => {
  await orchestrator.close();
  await database.drop();
});

const event = (id: string, change: Partial<NewEvent> = {}): NewEvent => ({
  aggregateType: 'tenant',
  aggregateId: id,
  type: 'tenant_changed',
  payload: {},
  ...change,
});
const command = (...events: NewEvent[]) => ({ commandId: newId('command'), events });

describe('append', () => {
  it('gives gapless positions in commit order to many appenders, while readers assert that nothing is skipped', async () => {
    const start = await headPosition(db);
    const appenders = [1, 2, 3, 4].map(() => createAppender({ sql: db, maxBatch: 20 }));
    let reading = true;
    const reader = (async () => {
      let cursor = start;
      while (reading || cursor < (await headPosition(db))) {
        for (const read of await readLog(db, { after: cursor, limit: 200 })) {
          expect(read.position).toBe(cursor + 1);
          cursor = read.position;
        }
      }
      return cursor;
    })();
    const transactions = Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        db
          .transaction(async (tx) => {
            await appendInTransaction(tx, command(event(`tx-${String(n)}`)));
            if (n % 5 === 0) throw new Error('rolled back');
          })
          .catch((error: unknown) => {
            if (!(error instanceof Error) || error.message !== 'rolled back') throw error;
          }),
      ),
    );
    await Promise.all(
      Array.from({ length: 400 }, (_, n) => appenders[n % 4]?.append(command(event(`t-${String(n % 40)}`), event('both')))),
    );
    await transactions;
    reading = false;
    expect(await reader).toBe(start + 800 + 40);
    const versions = await readLog(db, { after: start, limit: 2_000, aggregateType: 'tenant', aggregateId: 'both' });
    expect(versions.map((read) => read.version)).toEqual(Array.from({ length: 400 }, (_, n) => n + 1));
  }, 60_000);

  it('refuses a wrong expected version alone, not the commands beside it', async () => {
    const appender = createAppender({ sql: db });
    const outcomes = await Promise.all([
      appender.append(command(event('versioned', { expectedVersion: 0 }))),
      appender.append(command(event('versioned', { expectedVersion: 0 }))),
      appender.append(command(event('versioned', { expectedVersion: 1 }), event('versioned', { expectedVersion: 2 }))),
      appender.append(command(event('beside'), event('versioned', { expectedVersion: 9 }))),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['ok', 'conflict', 'ok', 'conflict']);
    expect(outcomes[3]).toMatchObject({ aggregateId: 'versioned', expected: 9, actual: 3 });
    expect(await readLog(db, { after: 0, limit: 10, aggregateType: 'tenant', aggregateId: 'beside' })).toEqual([]);
  });

  it('answers a repeated command with its first positions and appends nothing', async () => {
    const appender = createAppender({ sql: db });
    const once = command(event('repeated', { expectedVersion: 0 }));
    const first = await appender.append(once);
    const head = await headPosition(db);
    expect(await appender.append(once)).toEqual({ ...first, repeated: true });
    expect(await headPosition(db)).toBe(head);
  });

  it('keeps who, why and the ids of the request beside each event', async () => {
    const context = newContext({ correlationId: 'cor-1', principal: 'user:usr_1', jobId: 'job_1' });
    await runInContext(context, () =>
      db.transaction((tx) => appendInTransaction(tx, command(event('told', { meta: { reason: 'because' } })))),
    );
    const [read] = await readLog(db, { after: 0, limit: 1, aggregateType: 'tenant', aggregateId: 'told' });
    expect(read?.meta).toMatchObject({ principal: 'user:usr_1', correlation_id: 'cor-1', job_id: 'job_1', reason: 'because' });
  });

  it('refuses what is too large or not the role’s own, and fails that command alone', async () => {
    const appender = createAppender({ sql: db });
    await expect(appender.append(command(event('big', { payload: { text: 'x'.repeat(300_000) } })))).rejects.toMatchObject({
      code: 'too_large',
    });
    const [fine, stolen] = await Promise.allSettled([
      appender.append(command(event('fine'))),
      appender.append(command(event('x', { aggregateType: 'job' }))),
    ]);
    expect(fine).toMatchObject({ status: 'fulfilled', value: { status: 'ok' } });
    expect(stolen).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('may not append') } });
    await expect(orchestrator.transaction((tx) => appendInTransaction(tx, command(event('x'))))).rejects.toThrow('may not append');
  });

  it('refuses more waiting commands than it may hold', async () => {
    const appender = createAppender({ sql: db, maxQueued: 3 });
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => appender.append(command(event(`queued-${String(n)}`)))));
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(2);
  });
});

describe('what is written stays', () => {
  const attempts = [
    `update log.event set type = 'forged'`,
    `delete from log.event`,
    `truncate log.event`,
    `update log.event_000000 set type = 'forged'`,
    `truncate log.event_000000`,
    `insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at) values (999999, 'tenant', 'x', 1, 'x', 1, '{}', '{}', now())`,
    `update log.head set position = 0`,
    `alter table log.event detach partition log.event_000000`,
    `select log.advance_projection('someone-elses', 1, 0, 5)`,
  ];

  it.each(attempts.slice(0, -1))('for a service: %s', async (statement) => {
    await expect(db.query(statement)).rejects.toThrow(/permission denied|must be owner/);
  });

  it.each(attempts.slice(0, 5))('for a superuser, also as a replica: %s', async (statement) => {
    await expect(database.adminSql.query(statement)).rejects.toThrow('append-only');
    await expect(database.adminSql.query(`do $$ begin set local session_replication_role = replica; ${statement}; end $$`)).rejects.toThrow(
      'append-only',
    );
  });

  it('and nobody moves a checkpoint of another service', async () => {
    await orchestrator.query(`select log.open_projection('theirs')`);
    expect(await db.query(`select log.advance_projection('theirs', 1, 0, 5) as moved`)).toEqual([{ moved: false }]);
    expect(await orchestrator.query(`select log.advance_projection('theirs', 1, 0, 5) as moved`)).toEqual([{ moved: true }]);
  });
});
