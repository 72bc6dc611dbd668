/** The log on a real Postgres, through the services' own roles. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database, type Sql } from '@fairlead/postgres';
import { createLogger, newContext, Registry, runInContext } from '@fairlead/telemetry';
import { testDatabase, testEvents, type TestEvents } from '@fairlead/testing';
import { appendAllInTransaction, appendInTransaction, createAppender, headPosition, readLog, type NewEvent } from './index.js';

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

const event = (id: string, change: Partial<NewEvent<TestEvents>> = {}): NewEvent<TestEvents> => ({
  aggregateType: 'tenant',
  aggregateId: id,
  type: 'changed',
  payload: {},
  ...change,
});
const command = (...events: NewEvent<TestEvents>[]) => ({ commandId: newId('command'), events });

describe('append', () => {
  it('refuses a wrong expected version alone, not the commands beside it', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
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

  const deep = `{"text":${'['.repeat(600)}${']'.repeat(600)}}`;
  it.each([
    ['null for metadata', '{}', 'null'],
    ['a list for a payload', '[]', '{}'],
    ['a payload that no reader could walk through', deep, '{}'],
    ['such metadata', '{}', deep],
  ])('refuses %s, whoever calls the log', async (_, payload, meta) => {
    const before = await headPosition(db);
    const fields = ['tenant', 'odd', null, 'changed', 1, payload, meta];
    await expect(db.query('select log.append_event($1, $2, $3, $4, $5, $6, $7, $8)', [newId('command'), ...fields])).rejects.toThrow(
      'objects',
    );
    const lists = [[newId('command')], [1], ...fields.map((field) => [field])];
    await expect(db.query('select log.append($1, $2, $3, $4, $5, $6, $7, $8, $9)', lists)).rejects.toThrow('objects');
    expect(await headPosition(db)).toBe(before);
  });

  it.each([
    [
      "of another's, numbered from 5 on",
      ['{c,d}', '{1,2}', '[5:6]={job,job}', '{x,x}', '{0,1}', '{x,x}', '{1,1}', '{"{}","{}"}', '{"{}","{}"}'],
    ],
    ["of another's, in two rows", ['{c,d}', '{1,2}', '{{job},{job}}', '{x,x}', '{0,1}', '{x,x}', '{1,1}', '{"{}","{}"}', '{"{}","{}"}']],
    ['that can not be read', ['{c,d}', '{1,2}', '{tenant,tenant}', '{x,x}', '{0,1}', '{x,x}', '{1,1}', '[2:3]={"{}","[]"}', '{"{}","{}"}']],
    ['for more commands than there are', ['{c,d}', '{1,1}', '{tenant}', '{x}', '{0}', '{x}', '{1}', '{"{}"}', '{"{}"}']],
    ['that end before they begin', ['{c,d}', '{5,1}', '{tenant}', '{x}', '{0}', '{x}', '{1}', '{"{}"}', '{"{}"}']],
    [
      'with a command that has none',
      ['{c,d}', '{2,2}', '{tenant,tenant}', '{x,y}', '{0,0}', '{x,x}', '{1,1}', '{"{}","{}"}', '{"{}","{}"}'],
    ],
  ])('does not take events %s', async (_, lists) => {
    const before = await headPosition(db);
    await expect(db.query('select log.append($1, $2, $3, $4, $5, $6, $7, $8, $9)', lists)).rejects.toThrow('at least one event');
    const [commands] = await database.adminSql.query(`select from log.command where command_id in ('c', 'd')`);
    expect([await headPosition(db), commands]).toEqual([before, undefined]);
  });

  it('keeps the command ids of the services apart', async () => {
    const once = command(event('mine'));
    const theirs = { commandId: once.commandId, events: [event('theirs', { aggregateType: 'job' as const })] };
    await createAppender({ catalogue: testEvents, sql: db }).append(once);
    expect(await createAppender({ catalogue: testEvents, sql: orchestrator }).append(theirs)).toMatchObject({
      status: 'ok',
      repeated: false,
    });
    expect(await orchestrator.transaction((tx) => appendInTransaction(tx, theirs, testEvents))).toMatchObject({ repeated: true });
  });

  it('rolls back with its transaction, and refuses a conflict there by an error', async () => {
    const head = await headPosition(db);
    const conflicting = command(event('rolled-back', { expectedVersion: 4 }));
    await expect(
      db.transaction(async (tx) => {
        await appendInTransaction(tx, command(event('rolled-back')), testEvents);
        await appendInTransaction(tx, conflicting, testEvents);
      }),
    ).rejects.toMatchObject({ code: 'version_conflict', details: { expected: 4, actual: 1 } });
    expect(await headPosition(db)).toBe(head);
    const both = [command(event('together')), command(event('together', { expectedVersion: 1 }))];
    expect(await db.transaction((tx) => appendAllInTransaction(tx, both, testEvents))).toMatchObject([
      { firstPosition: head + 1 },
      { firstPosition: head + 2 },
    ]);
  });

  it('answers a repeated command with its first positions and appends nothing', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
    const once = command(event('repeated', { expectedVersion: 0 }));
    const first = await appender.append(once);
    const head = await headPosition(db);
    expect(await appender.append(once)).toEqual({ ...first, repeated: true });
    expect(await headPosition(db)).toBe(head);
  });

  it('appends a command without an id as often as it is given', async () => {
    const nameless = { events: [event('nameless')] };
    const two = { events: [event('nameless'), event('nameless')] };
    await db.transaction((tx) => appendInTransaction(tx, nameless, testEvents));
    await db.transaction((tx) => appendAllInTransaction(tx, [nameless, two, { ...two, commandId: newId('command') }], testEvents));
    const stored = await readLog(db, { after: 0, limit: 10, aggregateType: 'tenant', aggregateId: 'nameless' });
    expect(stored.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(
      await database.adminSql.query(`select first_position from log.command where last_position >= $1`, [stored[0]?.position]),
    ).toEqual([{ first_position: stored[4]?.position }]);
  });

  it.each([
    ['fewer', 2, 1],
    ['more', 1, 2],
  ])('answers all of the first positions to a repeat that has %s events', async (_, before, now) => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
    const commandId = newId('command');
    const events = (count: number) => Array.from({ length: count }, () => event('resized'));
    const first = await appender.append({ commandId, events: events(before) });
    expect(await appender.append({ commandId, events: events(now) })).toEqual({ ...first, repeated: true });
  });

  it('keeps who, why and the ids of the request beside each event', async () => {
    const context = newContext({ correlationId: 'cor-1', principal: 'user:usr_1', jobId: 'job_1' });
    await runInContext(context, () =>
      db.transaction((tx) => appendInTransaction(tx, command(event('told', { meta: { reason: 'because' } })), testEvents)),
    );
    const [read] = await readLog(db, { after: 0, limit: 1, aggregateType: 'tenant', aggregateId: 'told' });
    expect(read?.meta).toMatchObject({ principal: 'user:usr_1', correlation_id: 'cor-1', job_id: 'job_1', reason: 'because' });
  });

  it('refuses what is too large or not the role’s own, and fails that command alone', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db });
    const refused = { code: 'audit_unavailable', cause: { message: expect.stringContaining('may not append') } };
    await expect(appender.append(command(event('big', { payload: { text: 'x'.repeat(300_000) } })))).rejects.toMatchObject({
      code: 'too_large',
    });
    const [fine, stolen] = await Promise.allSettled([
      appender.append(command(event('fine'))),
      appender.append(command(event('x', { aggregateType: 'job' }))),
    ]);
    expect(fine).toMatchObject({ status: 'fulfilled', value: { status: 'ok' } });
    expect(stolen).toMatchObject({ status: 'rejected', reason: refused });
    await expect(orchestrator.transaction((tx) => appendInTransaction(tx, command(event('x')), testEvents))).rejects.toMatchObject(refused);
  });

  it('refuses what the catalogue does not describe, and sends nothing of it', async () => {
    const asked: unknown[] = [];
    const sql: Sql = {
      query: (text, params) => {
        asked.push(params);
        return db.query(text, params);
      },
    };
    const appender = createAppender({ sql });
    const revoked = (payload: { session_id: string }) =>
      ({ aggregateType: 'user', aggregateId: 'usr_1', type: 'session_revoked', payload }) as const;
    const wrong = [
      command({ ...revoked({ session_id: 's' }), type: 'session_forgotten' } as never),
      command({ ...revoked({ session_id: 's' }), payload: { session_id: 's', secret: 'x' } } as never),
    ];
    const refusals = await Promise.allSettled(wrong.map((one) => appender.append(one as never)));
    expect(refusals).toEqual([
      expect.objectContaining({ reason: expect.objectContaining({ code: 'unknown_event' }) }),
      expect.objectContaining({
        reason: expect.objectContaining({ code: 'invalid_argument', details: expect.objectContaining({ schema_version: 1 }) }),
      }),
    ]);
    await expect(db.transaction((tx) => appendInTransaction(tx, wrong[1] as never))).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(asked).toEqual([]);
  });

  it('refuses more waiting commands than it may hold', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db, maxQueued: 3 });
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => appender.append(command(event(`queued-${String(n)}`)))));
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(2);
  });

  it('counts what it appends', async () => {
    const registry = new Registry();
    const appender = createAppender({ catalogue: testEvents, sql: db, registry });
    const once = command(event('counted', { expectedVersion: 0 }));
    await Promise.all([appender.append(once), appender.append(command(event('counted', { expectedVersion: 7 })))]);
    await appender.append(once);
    const text = await registry.metrics();
    for (const outcome of ['ok', 'conflict', 'repeated']) expect(text).toContain(`fairlead_log_appends_total{outcome="${outcome}"} 1`);
    expect(text).toContain('fairlead_log_append_batch_size_sum 3');
    expect(text).toContain('fairlead_log_append_batch_size_count 2');
  });

  it('ends when closed: what waits is appended, later commands are refused', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: db, maxBatch: 2 });
    const waiting = Array.from({ length: 5 }, () => appender.append(command(event('closing'))));
    await appender.close();
    expect(await Promise.all(waiting)).toHaveLength(5);
    await expect(appender.append(command(event('closing')))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
