// Real: Postgres with the event log. The chain is what log.note_chained is told.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase, roleOf, schemaOf, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { appendInTransaction, createAppender, createAuditGate, headPosition, type AuditGate, type Command } from './index.js';

const role = roleOf('placement');
const day = 24 * 60 * 60 * 1_000;
let database: TestDatabase;
let audit: Database;
let clock: number;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  audit = await openDatabase({
    ...database.access('audit'),
    schema: schemaOf('audit'),
    poolSize: 1,
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
}, 60_000);

afterAll(async () => {
  await audit.close();
  await database.drop();
});

beforeEach(async () => {
  clock = 0;
  await chainAll();
});

const chainAll = async () => {
  await audit.query('select log.note_chained($1)', [await headPosition(database.db)]);
};
const command = (): Command<TestEvents> => ({ events: [{ aggregateType: 'tenant', aggregateId: 't', type: 'changed', payload: {} }] });
const append = (count: number) =>
  Promise.all(Array.from({ length: count }, () => database.db.transaction((tx) => appendInTransaction(tx, command(), testEvents))));
const gateOf = (limits: { maxEvents?: number; maxAgeMs?: number } = {}): AuditGate =>
  createAuditGate({ sql: database.db, maxEvents: 5, maxAgeMs: day, now: () => clock, ...limits });
/** What the gate says now, asked anew. */
const said = (gate: AuditGate) => {
  clock += 1_000;
  return gate.check().then(
    () => 'open',
    (error: unknown) => error,
  );
};
const unavailable = (message: RegExp) => expect.objectContaining({ code: 'audit_unavailable', message: expect.stringMatching(message) });

describe('the gate', () => {
  it('closes when more events than its limit are not in the chain, and opens by itself once they are', async () => {
    const gate = gateOf();
    await append(5);
    expect(await said(gate)).toBe('open');
    await append(1);
    expect(await said(gate)).toMatchObject({
      code: 'audit_unavailable',
      message: expect.stringMatching(/6 events .* behind the event log.*service audit runs/),
      details: { events_behind: 6, max_events: 5, max_seconds: 86_400 },
    });
    await chainAll();
    expect(await said(gate)).toBe('open');
  });

  it('closes when an event is older than its limit and not in the chain', async () => {
    const gate = gateOf({ maxAgeMs: 1 });
    expect(await said(gate)).toBe('open');
    await append(1);
    await database.db.query('select pg_sleep(0.01)');
    expect(await said(gate)).toEqual(unavailable(/^The audit chain is 1 events and \d+ s behind/));
    await chainAll();
    expect(await said(gate)).toBe('open');
  });

  it('looks once in a second, for all that ask', async () => {
    const gate = gateOf({ maxEvents: 1 });
    await gate.check();
    await append(2);
    clock = 999;
    await Promise.all([gate.check(), gate.check()]);
    clock = 1_000;
    await expect(gate.check()).rejects.toMatchObject({ code: 'audit_unavailable' });
    await chainAll();
    clock = 1_999;
    await expect(gate.check()).rejects.toMatchObject({ code: 'audit_unavailable' });
    clock = 2_000;
    await gate.check();
  });

  it.each([
    [
      'the right to append',
      'revoke execute on function log.append_event(text, text, text, bigint, text, int, text, text) from',
      'grant execute on function log.append_event(text, text, text, bigint, text, int, text, text) to',
      /takes nothing/,
    ],
    [
      'the right to ask',
      'revoke execute on function log.chain_lag() from',
      'grant execute on function log.chain_lag() to',
      /can not be told/,
    ],
    ['the log', 'revoke usage on schema log from', 'grant usage on schema log to', /can not be told/],
  ])('is closed for a service without %s', async (_what, take, give, says) => {
    const gate = gateOf();
    await database.adminSql.query(`${take} ${role}`);
    try {
      expect(await said(gate)).toEqual(unavailable(says));
    } finally {
      await database.adminSql.query(`${give} ${role}`);
    }
    expect(await said(gate)).toBe('open');
  });

  it('is closed when nobody knows how far the chain is, or the event after it is not there', async () => {
    const gate = gateOf();
    await append(1);
    const { position } = (await database.adminSql.query<{ position: number }>('delete from log.chained returning position'))[0] ?? {
      position: 0,
    };
    expect(await said(gate)).toEqual(unavailable(/can not be told/));
    await database.adminSql.query('insert into log.chained (position) values ($1)', [position]);
    expect(await said(gate)).toBe('open');
    await database.adminSql.query('alter table log.event disable trigger append_only');
    await database.adminSql.query('delete from log.event where position > $1', [position]);
    await database.adminSql.query('alter table log.event enable always trigger append_only');
    expect(await said(gate)).toEqual(unavailable(/can not be told/));
  });
});

describe('a log that takes nothing', () => {
  const rights = [
    'log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[])',
    'log.append_event(text, text, text, bigint, text, int, text, text)',
  ];
  const refused = { code: 'audit_unavailable', message: expect.stringMatching(/takes nothing right now, so nothing was changed/) };

  beforeAll(async () => {
    await database.adminSql.query(`create table placement.effect (n int); grant select, insert on placement.effect to ${role}`);
  });

  async function expectRefused(): Promise<void> {
    const before = await headPosition(database.db);
    const both = { events: [...command().events, ...command().events] };
    for (const given of [command(), both]) {
      const work = database.db.transaction(async (tx) => {
        await tx.query('insert into effect values (1)');
        await appendInTransaction(tx, given, testEvents);
      });
      await expect(work).rejects.toMatchObject(refused);
      await expect(createAppender({ sql: database.db, catalogue: testEvents }).append(given)).rejects.toMatchObject(refused);
    }
    expect(await database.db.query('select * from effect')).toEqual([]);
    expect(await headPosition(database.db)).toBe(before);
  }

  it('is told as that, nothing is kept of the transaction, and it goes on once the right is given back', async () => {
    await database.adminSql.query(`revoke execute on function ${rights.join(', ')} from ${role}`);
    await expectRefused();
    await database.adminSql.query(`grant execute on function ${rights.join(', ')} to ${role}`);
    expect(await append(1)).toHaveLength(1);
  });

  it('is told as that where no partition is made for the next position', async () => {
    const [head] = await database.adminSql.query<{ partitioned_until: number }>('select partitioned_until from log.head');
    await database.adminSql.query('update log.head set partitioned_until = position + 1');
    await database.adminSql.query(`revoke execute on function log.keep_partitions() from ${role}`);
    await expectRefused();
    await database.adminSql.query(`grant execute on function log.keep_partitions() to ${role}`);
    await database.adminSql.query('update log.head set partitioned_until = $1', [head?.partitioned_until]);
    expect(await append(1)).toHaveLength(1);
  });
});
