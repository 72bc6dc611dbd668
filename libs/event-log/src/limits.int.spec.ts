/** What an appender holds and for how long: its bounds, commands that are given up, its end, and turns for everybody. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { createAppender, headPosition, readLog, type AppenderOptions, type Command } from './index.js';

let database: TestDatabase;
let admin: Database;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  const { adminUrl, adminPassword, database: name } = database.admin;
  const logger = createLogger({ service: 'test', level: 'silent' });
  const url = adminUrl.replace(/\/postgres$/, `/${name}`);
  admin = await openDatabase({ url, password: adminPassword, schema: 'log', applicationName: 'holder', logger });
}, 60_000);

afterAll(async () => {
  await admin.close();
  await database.drop();
});

const command = (aggregateId: string, events = 1, text = ''): Command<TestEvents> => ({
  commandId: newId('command'),
  events: Array.from({ length: events }, () => ({ aggregateType: 'tenant', aggregateId, type: 'changed', payload: { text } })),
});

const appenderWith = (options: Partial<AppenderOptions<TestEvents>> = {}) =>
  createAppender({ catalogue: testEvents, sql: database.db, ...options });

/** Takes the head, so that whoever appends waits, until it is freed. */
async function holdHead(): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<undefined>();
  const freed = Promise.withResolvers<undefined>();
  const holding = admin.transaction(async (tx) => {
    await tx.query('select * from log.head for update');
    held.resolve(undefined);
    await freed.promise;
  });
  holding.catch(held.reject);
  await held.promise;
  return async () => {
    freed.resolve(undefined);
    await holding;
  };
}

const callsThatWait = () =>
  eventually(
    async () =>
      (await admin.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length > 0,
    { what: 'a call that waits for the head' },
  );

const codeOf = (result: PromiseSettledResult<unknown>) =>
  result.status === 'fulfilled' ? 'appended' : (result.reason as { code?: string }).code;

async function lengthOf(aggregateId: string): Promise<number> {
  return (await readLog(database.db, { after: 0, limit: 5_000, aggregateType: 'tenant', aggregateId })).length;
}

describe('what waits', () => {
  it('is bounded in bytes: more is refused and not appended, what was accepted is', async () => {
    const appender = appenderWith({ maxQueuedBytes: 1024 * 1024 });
    const free = await holdHead();
    const first = appender.append(command('bytes'));
    await callsThatWait();
    const text = 'x'.repeat(200 * 1024);
    const results = Promise.allSettled(Array.from({ length: 8 }, () => appender.append(command('bytes', 1, text))));
    const small = appender.append(command('bytes'));
    await free();
    const codes = (await results).map(codeOf);
    expect(codes).toEqual([...Array<string>(5).fill('appended'), ...Array<string>(3).fill('overloaded')]);
    expect(await first).toMatchObject({ status: 'ok' });
    expect(await small).toMatchObject({ status: 'ok' });
    expect(await lengthOf('bytes')).toBe(7);
    // Room again, once it has been appended.
    expect(await appender.append(command('bytes', 4, text))).toMatchObject({ status: 'ok' });
  });

  it('is bounded in commands, and given up it leaves its room to others', async () => {
    const appender = appenderWith({ maxQueued: 2 });
    const free = await holdHead();
    const first = appender.append(command('commands'));
    await callsThatWait();
    const patience = new AbortController();
    const impatient = appender.append(command('commands'), { signal: patience.signal });
    const second = appender.append(command('commands'));
    await expect(appender.append(command('commands'))).rejects.toMatchObject({ code: 'overloaded' });
    patience.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const third = appender.append(command('commands'));
    await free();
    expect(await Promise.all([first, second, third])).toHaveLength(3);
    expect(await lengthOf('commands')).toBe(3);
  });
});

describe('a log that takes so long for each event that a batch does not fit in the time of a holder', () => {
  it.each(['one call at a time', 'a pipeline'])(
    'is given less at once on %s, until all is appended once',
    async (way) => {
      await admin.query(`
      create function log.be_slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.012); return new; end';
      create trigger be_slow after insert on log.event for each row execute function log.be_slow()`);
      try {
        const appender = appenderWith(way === 'a pipeline' ? { sql: database.db.pipeline() } : {});
        const before = await headPosition(database.db);
        const outcomes = await Promise.all(Array.from({ length: 240 }, () => appender.append(command(way))));
        expect(outcomes.every((outcome) => outcome.status === 'ok')).toBe(true);
        expect(await headPosition(database.db)).toBe(before + 240);
        expect(await lengthOf(way)).toBe(240);
      } finally {
        await admin.query('drop trigger be_slow on log.event; drop function log.be_slow()');
      }
    },
    60_000,
  );
});

describe('a signal', () => {
  it('takes back what waits, not what is on its way', async () => {
    const appender = appenderWith();
    const free = await holdHead();
    const patience = new AbortController();
    const onItsWay = appender.append(command('signal'), { signal: patience.signal });
    await callsThatWait();
    const waiting = command('signal');
    const givenUp = appender.append(waiting, { signal: AbortSignal.any([patience.signal, AbortSignal.timeout(60_000)]) });
    patience.abort();
    await expect(givenUp).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(appender.append(command('signal'), { signal: patience.signal })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await free();
    expect(await onItsWay).toMatchObject({ status: 'ok' });
    expect(await lengthOf('signal')).toBe(1);
    // Nothing of it is known: it may be given again.
    expect(await appender.append(waiting)).toMatchObject({ status: 'ok', repeated: false });
  });

  it('of a command that everybody has given up leaves an appender that goes on', async () => {
    const appender = appenderWith();
    const patience = new AbortController();
    const all = Promise.allSettled([1, 2, 3].map(() => appender.append(command('nobody'), { signal: patience.signal })));
    patience.abort();
    expect((await all).map(codeOf)).toEqual(Array(3).fill('deadline_exceeded'));
    expect(await appender.append(command('nobody'))).toMatchObject({ status: 'ok' });
    expect(await lengthOf('nobody')).toBe(1);
  });
});

it('closes while it is full: what it has accepted is appended, and close waits for that', async () => {
  const appender = appenderWith({ maxQueued: 50, maxBatch: 7 });
  const free = await holdHead();
  const results = Promise.allSettled(Array.from({ length: 60 }, () => appender.append(command('closing'))));
  await callsThatWait();
  let closed = false;
  const closing = appender.close().then(() => {
    closed = true;
  });
  await expect(appender.append(command('closing'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(closed).toBe(false);
  await free();
  await closing;
  const codes = (await results).map(codeOf);
  const appended = codes.filter((code) => code === 'appended').length;
  expect(codes.filter((code) => code === 'overloaded')).toHaveLength(60 - appended);
  expect(appended).toBeGreaterThanOrEqual(50);
  expect(await lengthOf('closing')).toBe(appended);
});

it.each(['one call at a time', 'a pipeline'])(
  'appends in the order of asking on %s, a command of 1,000 events among small ones too',
  async (way) => {
    const appender = appenderWith({ maxBatch: 100, ...(way === 'a pipeline' ? { sql: database.db.pipeline() } : {}) });
    const start = await headPosition(database.db);
    const given: Promise<number>[] = [];
    const give = (events: number) => {
      const appended = appender.append(command(`turn-${String(given.length)}`, events)).then((outcome) => {
        if (outcome.status !== 'ok') throw new Error('nothing here can conflict');
        return outcome.firstPosition;
      });
      given.push(appended);
      return appended;
    };
    // 64 callers that ask again as soon as they are answered, all the time that the large command waits.
    let large: Promise<number> | undefined;
    let done = false;
    const callers = Array.from({ length: 64 }, async () => {
      for (let asked = 0; !done || asked < 5; asked += 1) {
        await give(1);
        if (asked !== 2 || large !== undefined) continue;
        large = give(1_000);
        void large.then(() => {
          done = true;
        });
      }
    });
    await Promise.all(callers);
    const positions = await Promise.all(given);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(await headPosition(database.db)).toBe(start + given.length - 1 + 1_000);
  },
);
