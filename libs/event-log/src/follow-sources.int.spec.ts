/** Following the log through all that can happen to what it is read from: NATS, its stream, and the log itself. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { streamConfig } from '@fairlead/messaging';
import { createLogger, Registry } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, testEvents, type TestEvents } from '@fairlead/testing';
import { headers as natsHeaders } from '@nats-io/nats-core';
import {
  createAppender,
  followLog,
  pokeLog,
  readHead,
  readLog,
  type Appender,
  type LogCursor,
  type LogFollower,
  type StoredEvent,
  type SubscribeOptions,
} from './index.js';
import { RelayStage } from './relay.fixture.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let stage: RelayStage;
let appender: Appender<TestEvents>;
let registry: Registry;
let follower: LogFollower;

beforeEach(async () => {
  registry = new Registry();
  stage = await RelayStage.open();
  const { database, messaging } = stage;
  appender = createAppender({
    catalogue: testEvents,
    sql: database.db,
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
  });
  follower = followLog({ sql: database.db, messaging, logger, registry });
});

afterEach(async () => {
  await follower.stop();
  await stage.close();
});

async function append(count: number): Promise<number> {
  const command = (n: number) => ({
    commandId: newId('command'),
    events: [{ aggregateType: 'tenant', aggregateId: `t-${String(n % 5)}`, type: 'changed', payload: { n } }] as const,
  });
  const outcomes = await Promise.all(Array.from({ length: count }, (_, n) => appender.append(command(n))));
  return Math.max(...outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.lastPosition : 0)));
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const positions = (events: readonly StoredEvent[]) => events.map((event) => event.position);

function listen(options: Partial<SubscribeOptions> & { cursor: LogCursor }) {
  const aborter = new AbortController();
  const seen = { events: [] as StoredEvent[], error: undefined as unknown };
  const run = async () => {
    try {
      for await (const { events } of follower.subscribe({ signal: aborter.signal, ...options })) seen.events.push(...events);
    } catch (error) {
      seen.error = error;
    }
  };
  return { seen, done: run() };
}

/** Every event of the log up to a position, once and in order, and the same as in the log. */
async function expectAll({ seen }: ReturnType<typeof listen>, last: number): Promise<void> {
  await eventually(() => (seen.events.at(-1)?.position ?? 0) >= last || seen.error !== undefined, {
    what: `position ${String(last)}`,
    timeoutMs: 20_000,
  });
  expect(seen.error).toBeUndefined();
  expect(positions(seen.events)).toEqual(range(1, last));
  expect(seen.events).toEqual(await readLog(stage.database.db, { after: 0, until: last, limit: last }));
}

async function metric(name: string): Promise<number> {
  const found = new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(await registry.metrics());
  return Number(found?.[1] ?? 0);
}
const fromStream = () => metric('fairlead_follower_events_total{source="stream"}');
const fromPostgres = () => metric('fairlead_follower_events_total{source="postgres"}');

async function consumers(): Promise<number> {
  return (await (await stage.messaging.manager()).streams.info('EVT')).state.consumer_count;
}

/** The log is read from one of its sources, and events come from there. */
async function expectSource(source: 'stream' | 'postgres'): Promise<void> {
  const streaming = source === 'stream' ? 1 : 0;
  await eventually(async () => (await metric('fairlead_follower_streaming')) === streaming, {
    what: `reading from ${source}`,
    timeoutMs: 20_000,
  });
  await eventuallyHolds(
    async () => {
      const count = source === 'stream' ? fromStream : fromPostgres;
      const before = await count();
      const head = await append(1);
      await eventually(async () => (await follower.cursor()).position >= head, { what: 'the event' });
      expect(await count()).toBeGreaterThan(before);
    },
    { what: `events from ${source}`, timeoutMs: 20_000 },
  );
}

describe('a follower', () => {
  it('reads from JetStream, over a NATS that is killed and comes back', async () => {
    stage.relay();
    const all = listen({ cursor: { position: 0 } });
    await expectSource('stream');
    await append(200);
    await stage.killNats();
    await expectAll(all, await append(50));
    await expectSource('postgres');
    await stage.startNats(stage.nats.port);
    await expectSource('stream');
    await expectAll(all, await append(200));
    await follower.stop();
    await eventually(async () => (await consumers()) === 0, { what: 'the consumer to be gone' });
  });

  it('goes on after NATS lost its store', async () => {
    stage.relay();
    const all = listen({ cursor: { position: 0 } });
    await append(100);
    await expectSource('stream');
    await stage.killNats({ wipe: true });
    await append(30);
    await stage.startNats(stage.nats.port);
    await expectAll(all, await append(30));
    await expectSource('stream');
    await expectAll(all, await append(10));
  });

  it('goes on when the stream is deleted and made anew, under load and at rest', async () => {
    stage.relay();
    const all = listen({ cursor: { position: 0 } });
    await expectSource('stream');
    const manager = await stage.messaging.manager();
    for (let round = 0; round < 3; round += 1) {
      const appended = append(300);
      // The relay waits 5 s for the answers to what was on its way when the stream went, and makes it anew then.
      await eventually(() => manager.streams.delete('EVT'), { what: 'a stream to delete', timeoutMs: 20_000 });
      await expectAll(all, await appended);
    }
    await expectSource('stream');
    await manager.streams.delete('EVT');
    await eventually(async () => (await metric('fairlead_follower_streaming')) === 0, { what: 'the loss to be noticed' });
    await expectSource('stream');
    await expectAll(all, await append(5));
  });

  it('leaves a stream that stands still while the log goes on, and comes back to it', async () => {
    stage.relay();
    const all = listen({ cursor: { position: 0 } });
    await expectSource('stream');
    await stage.relays.pop()?.stop();
    await expectAll(all, await append(40));
    await expectSource('postgres');
    await stage.killNats();
    await stage.startNats(stage.nats.port);
    // The consumer is made anew on a stream that is behind.
    await eventually(async () => (await consumers()) === 1, { what: 'a consumer' });
    await expectAll(all, await append(500));
    stage.relay();
    await expectSource('stream');
    await expectAll(all, await append(40));
  });

  it('gives those below the first sequence of the stream what Postgres holds', async () => {
    await append(60);
    stage.relay();
    await expectSource('stream');
    await stage.relays.pop()?.stop();
    const manager = await stage.messaging.manager();
    await manager.streams.delete('EVT');
    const { position, incarnation } = await readHead(stage.database.db);
    const { evt } = stage.messaging.topology.streams;
    // Begins after the tail's end, as one that kept nothing.
    const config = {
      ...streamConfig(evt, { replicas: 1, firstSequence: position + 1 }),
      metadata: { 'fairlead-incarnation': incarnation },
    };
    await manager.streams.add(config);
    stage.relay();
    await expectSource('stream');
    const all = listen({ cursor: { position: 0 } });
    await expectAll(all, await append(20));
  });

  it('believes no message that is of another incarnation, of none, or not what its sequence says', async () => {
    const all = listen({ cursor: { position: 0 } });
    stage.relay();
    await append(3);
    await expectSource('stream');
    await stage.relays.pop()?.stop();
    const head = await readHead(stage.database.db);
    const wire = { aggregate_type: 'tenant', aggregate_id: 'x', version: 1, type: 'forged', schema_version: 1, payload: {}, meta: {} };
    const forge = (position: number, incarnation?: string) => {
      const headers = natsHeaders();
      if (incarnation !== undefined) headers.set('fairlead-incarnation', incarnation);
      const data = JSON.stringify({ ...wire, position, recorded_at: new Date().toISOString() });
      return stage.messaging.jetstream().publish('evt.tenant.x.forged', data, { headers });
    };
    await forge(head.position + 1);
    await forge(head.position + 2, '01900000-0000-7000-8000-000000000000');
    await forge(head.position + 9, head.incarnation);
    await expectAll(all, await append(9));
    await expectSource('postgres');
    expect(all.seen.events.filter(({ type }) => type === 'forged')).toEqual([]);
  });

  it('tells all who follow that the log was restored, and follows the new incarnation on its stream', async () => {
    stage.relay();
    const all = listen({ cursor: { position: 0 } });
    const some = listen({ cursor: { position: 0 }, filter: { matches: ({ position }) => position % 3 === 0 } });
    await append(30);
    await expectSource('stream');
    await expectAll(all, await append(1));
    const [row] = await stage.database.adminSql.query<{ begun: string }>('select log.begin_incarnation(25)::text as begun');
    await Promise.all([all.done, some.done]);
    for (const { seen } of [all, some])
      expect(seen.error).toMatchObject({ code: 'cursor_superseded', details: { incarnation: row?.begun, valid_until: 25 } });
    await expectSource('stream');
    const again = listen({ cursor: { position: 25, incarnation: row?.begun } });
    const head = await append(10);
    await eventually(() => again.seen.events.at(-1)?.position === head, { what: 'the new incarnation' });
    expect(positions(again.seen.events)).toEqual(range(26, head));
  });

  it('gives each of 200 subscribers with filters of all kinds exactly its events, whatever happens to NATS meanwhile', async () => {
    const seed = 20_261;
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * below);
    };
    stage.relay();
    await append(400);
    const subscribers = Array.from({ length: 200 }, () => {
      const [position, divisor, rest] = [random(400), 1 + random(6), random(6)];
      const aggregateTypes = [undefined, ['tenant'], ['job'], ['tenant', 'job']][random(4)];
      const filter = {
        aggregateTypes,
        aggregateId: random(2) === 0 ? `t-${String(random(5))}` : undefined,
        matches: random(2) === 0 ? ({ position: at }: StoredEvent) => at % divisor === rest % divisor : undefined,
      };
      const wanted = (event: StoredEvent) =>
        event.position > position &&
        (aggregateTypes === undefined || aggregateTypes.includes(event.aggregateType)) &&
        (filter.aggregateId === undefined || event.aggregateId === filter.aggregateId) &&
        (filter.matches === undefined || filter.matches(event));
      return { wanted, ...listen({ cursor: { position }, filter }) };
    });
    await append(300);
    await stage.killNats();
    await append(200);
    await stage.startNats(stage.nats.port);
    await append(300);
    await expectSource('stream');
    await (await stage.messaging.manager()).streams.delete('EVT');
    const head = await append(300);
    await eventually(async () => (await follower.cursor()).position >= head, { what: 'the tail', timeoutMs: 20_000 });
    const log = await readLog(stage.database.db, { after: 0, limit: 5_000 });
    expect(log.length).toBeGreaterThanOrEqual(1_500);
    for (const { wanted, seen } of subscribers) {
      const expected = positions(log.filter(wanted));
      await eventually(() => seen.events.length >= expected.length || seen.error !== undefined, { what: 'its events' });
      expect(seen.error).toBeUndefined();
      expect(positions(seen.events)).toEqual(expected);
    }
    expect(await fromStream()).toBeGreaterThan(0);
    expect(await fromPostgres()).toBeGreaterThan(0);
  });
});
