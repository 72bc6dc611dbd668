/** Following the log for many, on a real Postgres and a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type AggregateType } from '@fairlead/contracts';
import { createLogger, Registry } from '@fairlead/telemetry';
import {
  eventually,
  eventuallyHolds,
  testDatabase,
  testEvents,
  testMessaging,
  type TestDatabase,
  type TestEvents,
  type TestMessaging,
} from '@fairlead/testing';
import {
  createAppender,
  followLog,
  formatCursor,
  headPosition,
  parseCursor,
  pokeLog,
  readHead,
  readLog,
  type Appender,
  type FeedBatch,
  type FollowOptions,
  type LogCursor,
  type LogFollower,
  type StoredEvent,
  type SubscribeOptions,
} from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let bus: TestMessaging;
let appender: Appender<TestEvents>;
const followers: LogFollower[] = [];

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'placement' }), testMessaging()]);
  appender = createAppender({
    catalogue: testEvents,
    sql: database.db,
    onAppended: (position) => {
      pokeLog(bus.messaging, position);
    },
  });
}, 60_000);

afterAll(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
  await bus.close();
  await database.drop();
});

function start(options: Partial<FollowOptions> = {}): LogFollower {
  const follower = followLog({ sql: database.db, messaging: bus.messaging, logger, ...options });
  followers.push(follower);
  return follower;
}

async function append(count: number, aggregateType: AggregateType = 'tenant'): Promise<number> {
  const event = (n: number) => ({ aggregateType, aggregateId: `t ${String(n % 7)}`, type: 'changed', payload: { n } }) as const;
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, n) => appender.append({ commandId: newId('command'), events: [event(n)] })),
  );
  return Math.max(...outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.lastPosition : 0)));
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const positions = (events: readonly StoredEvent[]) => events.map((event) => event.position);
const never = new AbortController().signal;

/** Reads a subscription to the end: what came, the last cursor, and what it ended with. */
function listen(follower: LogFollower, options: Partial<SubscribeOptions> & { cursor: LogCursor }) {
  const aborter = new AbortController();
  const seen = { events: [] as StoredEvent[], cursors: [] as LogCursor[], error: undefined as unknown };
  const run = async () => {
    try {
      for await (const { events, cursor } of follower.subscribe({ signal: aborter.signal, ...options })) {
        seen.events.push(...events);
        seen.cursors.push(cursor);
      }
    } catch (error) {
      seen.error = error;
    }
  };
  const done = run();
  return {
    seen,
    done,
    reaches: (position: number) =>
      eventually(() => (seen.cursors.at(-1)?.position ?? 0) >= position || seen.error !== undefined, {
        what: `the subscriber to reach ${String(position)}`,
        timeoutMs: 20_000,
      }),
    end: async () => {
      aborter.abort();
      await done;
    },
  };
}

const reaches = (follower: LogFollower, position: number) =>
  eventually(async () => (await follower.cursor()).position === position, {
    what: `the tail to reach ${String(position)}`,
    timeoutMs: 20_000,
  });

describe('a follower', () => {
  it('gives each subscriber every event after its cursor once, from Postgres and live', async () => {
    const before = await append(10);
    const follower = start();
    const all = [0, before, before + 25].map((position) => listen(follower, { cursor: { position } }));
    const one = listen(follower, { cursor: { position: before }, filter: { aggregateTypes: ['tenant'], aggregateId: 't 3' } });
    const odd = listen(follower, { cursor: { position: 0 }, filter: { matches: ({ position }) => position % 2 === 1 } });
    // One that is ahead of the log is told so; ahead of this process's tail alone it waits.
    expect(
      await follower
        .subscribe({ cursor: { position: before + 25 }, signal: never })
        .next()
        .catch((error: unknown) => error),
    ).toMatchObject({ code: 'log_behind', details: { position: before } });
    const head = await append(60);
    const [whole, live] = all;
    await Promise.all([whole?.reaches(head), live?.reaches(head), odd.reaches(head - 1)]);
    expect(positions(whole?.seen.events ?? [])).toEqual(range(1, head));
    expect(positions(live?.seen.events ?? [])).toEqual(range(before + 1, head));
    expect(positions(odd.seen.events)).toEqual(range(1, head).filter((position) => position % 2 === 1));
    await eventually(() => one.seen.events.length === 9, { what: 'the events of one aggregate' });
    expect(new Set(one.seen.events.map((event) => event.aggregateId))).toEqual(new Set(['t 3']));
    expect(whole?.seen.events.every(({ recordedAt }) => recordedAt instanceof Date)).toBe(true);
  }, 30_000);

  it('joins subscribers at any moment of a busy log without a gap', async () => {
    const follower = start();
    const first = await headPosition(database.db);
    const joined: { after: number; listener: ReturnType<typeof listen> }[] = [];
    for (let n = 0; n < 20; n += 1) {
      const appended = append(20);
      const after = first + Math.floor(Math.random() * n * 20);
      joined.push({ after, listener: listen(follower, { cursor: { position: after } }) });
      await appended;
    }
    for (const { after, listener } of joined) {
      await listener.reaches(first + 400);
      expect(positions(listener.seen.events)).toEqual(range(after + 1, first + 400));
    }
  }, 30_000);

  it('lets a subscriber that catches up take its time', async () => {
    const first = await headPosition(database.db);
    await append(10);
    const follower = start();
    const subscription = follower.subscribe({ cursor: { position: first }, signal: never });
    const found = positions((await subscription.next()).value?.events ?? []);
    const head = await append(1_500);
    await reaches(follower, head);
    while (found.length < 1_510) found.push(...positions((await subscription.next()).value?.events ?? []));
    expect(found).toEqual(range(first + 1, first + 1_510));
  }, 60_000);

  it('cuts off a live subscriber that is too slow, with a cursor from which nothing is missed; others go on', async () => {
    const registry = new Registry();
    const follower = start({ registry });
    const first = await headPosition(database.db);
    const quick = listen(follower, { cursor: { position: first } });
    const subscription = follower.subscribe({ cursor: { position: first }, signal: never });
    const batch = subscription.next();
    await reaches(follower, first);
    await append(1);
    const found = positions((await batch).value?.events ?? []);
    expect(found).toEqual([first + 1]);
    const head = await append(1_300);
    await reaches(follower, head);
    const cut: unknown = await subscription.next().catch((error: unknown) => error);
    expect(cut).toMatchObject({
      code: 'overloaded',
      details: { cursor: formatCursor({ ...(await readHead(database.db)), position: first + 1 }) },
    });
    const { cursor } = (cut as { details: { cursor: string } }).details;
    const rest = listen(follower, { cursor: parseCursor(cursor) });
    await Promise.all([rest.reaches(head), quick.reaches(head)]);
    expect(positions([...rest.seen.events])).toEqual(range(first + 2, head));
    expect(positions(quick.seen.events)).toEqual(range(first + 1, head));
    const text = await registry.metrics();
    expect(text).toContain('fairlead_follower_ended_total{code="overloaded"} 1');
    expect(text).toContain('fairlead_follower_subscribers 2');
    expect(text).toContain(`fairlead_follower_position ${String(head)}`);
  }, 60_000);

  it('tells a filtered subscriber how far it was looked for it, at once after catching up and at intervals', async () => {
    const follower = start({ heartbeatMs: 100 });
    const head = await append(20);
    const { seen, reaches: gets } = listen(follower, { cursor: { position: 0 }, filter: { matches: () => false } });
    await gets(head);
    const later = await append(5);
    await gets(later);
    const heard = seen.cursors.length;
    await eventually(() => seen.cursors.length >= heard + 3, { what: 'signs of life while nothing happens' });
    const { incarnation } = await readHead(database.db);
    expect(seen.events).toEqual([]);
    expect(seen.cursors.at(-1)).toEqual({ position: later, incarnation });
  });

  it('answers what is there without waiting, page by page', async () => {
    const follower = start();
    const head = await append(700);
    await reaches(follower, head);
    for (const filter of [
      {},
      { matches: ({ payload }: StoredEvent) => payload['n'] === 3 },
      { aggregateTypes: ['tenant'], aggregateId: 't 4' },
    ]) {
      let answer: FeedBatch & { more: boolean } = { events: [], cursor: { position: 0, incarnation: '' }, more: true };
      const found: StoredEvent[] = [];
      let cursor: LogCursor = { position: 0 };
      while (answer.more) {
        answer = await follower.read({ cursor, filter, limit: 90 });
        expect(answer.events.length).toBeLessThanOrEqual(90);
        expect(answer.cursor.position).toBeGreaterThan(cursor.position);
        ({ cursor } = answer);
        found.push(...answer.events);
      }
      expect(cursor.position).toBe(head);
      const wanted = await database.db.query<{ position: number }>(
        `select position from log.event where position <= $1
           and case $2::int when 1 then payload ->> 'n' = '3' when 2 then aggregate_id = 't 4' else true end order by 1`,
        [head, 'matches' in filter ? 1 : 'aggregateId' in filter ? 2 : 0],
      );
      expect(positions(found)).toEqual(wanted.map(({ position }) => position));
    }
    expect(await follower.read({ cursor: await follower.cursor(), limit: 5 })).toMatchObject({ events: [], more: false });
  });

  it('asks the database nothing for those who join near its end', async () => {
    const statements: string[] = [];
    const follower = start({
      sql: {
        query: (text, params) => {
          statements.push(text);
          return database.db.query(text, params);
        },
      },
      messaging: undefined,
    });
    const from = await follower.cursor();
    const head = await append(300);
    await reaches(follower, head);
    const before = statements.length;
    const listeners = Array.from({ length: 50 }, (_, n) => listen(follower, { cursor: { ...from, position: from.position + n } }));
    await Promise.all(listeners.map((listener) => listener.reaches(head)));
    listeners.forEach(({ seen }, n) => {
      expect(positions(seen.events)).toEqual(range(from.position + n + 1, head));
    });
    // The tail's own polls, and nothing for the fifty.
    expect(statements.length - before).toBeLessThan(10);
  });

  it('ends subscriptions when they are aborted, and when it stops', async () => {
    const follower = start();
    const head = await headPosition(database.db);
    const aborter = new AbortController();
    const ending = [aborter.signal, never].map((signal) => follower.subscribe({ cursor: { position: head }, signal }).next());
    await follower.cursor();
    aborter.abort();
    expect(await ending[0]).toEqual({ done: true, value: undefined });
    await follower.stop();
    expect(await ending[1]).toEqual({ done: true, value: undefined });
  });

  it('ends one whose filter fails, and no other', async () => {
    const follower = start();
    const { position } = await follower.cursor();
    const failing = listen(follower, {
      cursor: { position },
      filter: {
        matches: () => {
          throw new Error('no such field');
        },
      },
    });
    const sound = listen(follower, { cursor: { position } });
    const head = await append(3);
    await Promise.all([failing.done, sound.reaches(head)]);
    expect(failing.seen.error).toMatchObject({ code: 'internal' });
    expect(positions(sound.seen.events)).toEqual(range(position + 1, head));
  });
});

describe('a restored log', () => {
  const restored: TestDatabase[] = [];

  afterAll(async () => {
    await Promise.all(restored.map((one) => one.drop()));
  });

  async function another() {
    const made = await testDatabase({ service: 'placement' });
    restored.push(made);
    const own = createAppender({ catalogue: testEvents, sql: made.db });
    const command = (n: number) => ({
      commandId: newId('command'),
      events: [{ aggregateType: 'tenant', aggregateId: 'a', type: 'changed', payload: { n } }] as const,
    });
    const add = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => own.append(command(n))));
    return { ...made, add };
  }

  /** As a restore from a backup leaves it: events after a position are gone. `begin`: a new incarnation begins with it. */
  async function loseAfter(made: TestDatabase, position: number, { begin }: { begin: boolean }): Promise<void> {
    // One transaction: nobody sees the one without the other.
    await made.adminSql.query(`
      alter table log.event disable trigger append_only;
      delete from log.event where position > ${String(position)};
      delete from log.stream;
      insert into log.stream select aggregate_type, aggregate_id, max(version), max(position) from log.event group by 1, 2;
      update log.head set position = ${String(position)};
      alter table log.event enable always trigger append_only;
      ${begin ? 'select log.begin_incarnation();' : ''}`);
  }

  it('ends all who follow it, each with what of its knowledge still holds; the follower begins anew', async () => {
    const made = await another();
    await made.add(20);
    const follower = start({ sql: made.db, messaging: undefined });
    const was = await follower.cursor();
    const ahead = listen(follower, { cursor: { position: 0 } });
    await ahead.reaches(20);
    await loseAfter(made, 12, { begin: true });
    const { incarnation: now } = await readHead(made.db);
    await made.add(4);
    await ahead.done;
    expect(ahead.seen.error).toMatchObject({ code: 'cursor_superseded', details: { incarnation: now, valid_until: 12 } });
    await eventuallyHolds(
      async () => {
        expect(await follower.cursor()).toEqual({ position: 16, incarnation: now });
      },
      { what: 'the tail to be in the new incarnation' },
    );
    const gone = await follower
      .subscribe({ cursor: { ...was, position: 13 }, signal: never })
      .next()
      .catch((error: unknown) => error);
    expect(gone).toMatchObject({ code: 'cursor_superseded', details: { incarnation: now, valid_until: 12 } });
    const unknown = follower.read({ cursor: { position: 1, incarnation: '00000000-0000-7000-8000-000000000000' }, limit: 1 });
    await expect(unknown).rejects.toMatchObject({ code: 'cursor_superseded', details: { incarnation: now, valid_until: 0 } });
    const goesOn = listen(follower, { cursor: { ...was, position: 12 } });
    await goesOn.reaches(16);
    expect(positions(goesOn.seen.events)).toEqual(range(13, 16));
    expect(goesOn.seen.cursors.at(-1)).toEqual({ position: 16, incarnation: now });
  });

  it('ends who is still catching up where it stands: what it has yet to read, it reads from the new incarnation', async () => {
    const made = await another();
    await made.add(1_400);
    const follower = start({ sql: made.db, messaging: undefined });
    const was = await follower.cursor();
    const subscription = follower.subscribe({ cursor: { ...was, position: 0 }, signal: never });
    const found = positions((await subscription.next()).value?.events ?? []);
    expect(found).toEqual(range(1, 500));
    await loseAfter(made, 900, { begin: true });
    await made.add(700);
    const ended: unknown = await subscription.next().catch((error: unknown) => error);
    const { incarnation } = await readHead(made.db);
    expect(ended).toMatchObject({ code: 'cursor_superseded', details: { incarnation, valid_until: 500 } });
    const rest = listen(follower, { cursor: { position: 500, incarnation } });
    await rest.reaches(1_600);
    expect(rest.seen.events).toEqual(await readLog(made.db, { after: 500, limit: 2_000 }));
    expect(rest.seen.events.length).toBe(1_100);
  });

  it('says so while nobody has begun a new incarnation', async () => {
    const made = await another();
    await made.add(20);
    const follower = start({ sql: made.db, messaging: undefined });
    const was = await follower.cursor();
    const live = listen(follower, { cursor: was });
    await loseAfter(made, 12, { begin: false });
    await live.done;
    expect(live.seen.error).toMatchObject({ code: 'log_behind', details: { position: 12 } });
    await expect(follower.read({ cursor: was, limit: 1 })).rejects.toMatchObject({ code: 'log_behind' });
  });
});
