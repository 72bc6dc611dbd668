/** The relay through everything that can happen to NATS, and to the log it mirrors. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { StreamInfo } from '@nats-io/jetstream';
import { newId } from '@fairlead/contracts';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger, newContext, Registry, runInContext } from '@fairlead/telemetry';
import {
  eventually,
  eventuallyHolds,
  recordServer,
  testDatabase,
  testEvents,
  testFolder,
  type TestDatabase,
  type TestEvents,
} from '@fairlead/testing';
import { firstPositionSince } from './event-stream.js';
import { createAppender, headPosition, readHead, startRelay, type Command, type NewEvent, type RelayOptions } from './index.js';

jest.setTimeout(60_000);
const logger = createLogger({ service: 'test', level: 'silent' });
let dir: string;
let nats: RunningNats;
let messaging: Messaging;
let database: TestDatabase;
let relays: { stop(): Promise<void> }[];
let others: TestDatabase[];

async function start(port?: number): Promise<void> {
  nats = await startNats({ dir, port, fsync: false, log: () => undefined });
  recordServer({ pid: nats.pid, signal: 'SIGTERM' });
}

beforeEach(async () => {
  dir = testFolder('nats');
  relays = [];
  others = [];
  [database] = await Promise.all([testDatabase({ service: 'placement' }), start()]);
  messaging = await connectMessaging({ url: nats.url, namespace: '', name: 'spec', logger });
  await eventually(() => messaging.connected(), { what: 'NATS' });
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await messaging.close();
  await nats.stop();
  await Promise.all([database, ...others].map((one) => one.drop()));
  await rm(dir, { recursive: true, force: true });
});

function relay(options: Partial<RelayOptions> = {}) {
  const started = startRelay({ sql: database.db, messaging, logger, ...options });
  relays.push(started);
  return started;
}

const command = (change: Partial<NewEvent<TestEvents>> = {}): Command<TestEvents> => ({
  commandId: newId('command'),
  events: [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: { id: newId('command') }, ...change }],
});

async function append(count: number, sql = database.db): Promise<number> {
  const appender = createAppender({ catalogue: testEvents, sql });
  await Promise.all(Array.from({ length: count }, () => appender.append(command())));
  return headPosition(sql);
}

const streamInfo = async (): Promise<StreamInfo> => (await messaging.manager()).streams.info(messaging.topology.streams.evt.name);

/** Waits until the stream ends at a position, then compares every message with the log. */
async function expectMirror(last: number, options: { first?: number; sql?: typeof database.db } = {}): Promise<void> {
  const { first = 1, sql = database.db } = options;
  await eventuallyHolds(
    async () => {
      expect((await streamInfo()).state).toMatchObject({ first_seq: first, last_seq: last, messages: last - first + 1 });
    },
    { what: `the stream to hold ${String(first)} to ${String(last)}`, timeoutMs: 20_000 },
  );
  const stored = await sql.query<{ position: number; id: string }>(
    `select position, payload ->> 'id' as id from log.event where position between $1 and $2 order by 1`,
    [first, last],
  );
  const manager = await messaging.manager();
  const relayed = await Promise.all(
    stored.map(async ({ position }) => {
      const message = await manager.streams.getMessage(messaging.topology.streams.evt.name, { seq: position });
      const data = message?.json<{ position: number; payload: { id: string } }>();
      return { position: data?.position, id: data?.payload.id };
    }),
  );
  expect(relayed).toEqual(stored);
}

describe('the relay', () => {
  it('makes the stream as declared, and one it finds otherwise is set right', async () => {
    const manager = await messaging.manager();
    relay();
    await expectMirror(await append(3));
    expect((await streamInfo()).config).toMatchObject({
      deny_delete: true,
      deny_purge: true,
      storage: 'file',
      num_replicas: 1,
      max_age: 7 * 24 * 3_600_000 * 1_000_000,
      subjects: ['evt.>'],
    });
    await relays.pop()?.stop();
    await manager.streams.update('EVT', { max_msgs: 5 });
    relay();
    await eventuallyHolds(
      async () => {
        expect((await streamInfo()).config.max_msgs).toBe(-1);
      },
      { what: 'the stream to be set right' },
    );
  });

  it('goes on after NATS was killed, and refills a store that was wiped with the same numbers', async () => {
    relay();
    relay();
    await expectMirror(await append(120));
    nats.kill('SIGKILL');
    await nats.exited;
    await append(80);
    await start(nats.port);
    await expectMirror(200);
    nats.kill('SIGKILL');
    await nats.exited;
    await rm(dir, { recursive: true, force: true });
    await append(50);
    await start(nats.port);
    await expectMirror(250);
  });

  it('notices a stream that was deleted while nothing happens', async () => {
    relay();
    await expectMirror(await append(10));
    await (await messaging.manager()).streams.delete('EVT');
    await expectMirror(10);
  });

  it('competes with others without a gap or a double, one of them taking over when another ends', async () => {
    const registry = new Registry();
    for (let n = 0; n < 3; n += 1) relay(n === 0 ? { registry } : {});
    const appender = createAppender({ catalogue: testEvents, sql: database.db });
    for (let round = 0; round < 6; round += 1) {
      const appended = Promise.all(Array.from({ length: 100 }, () => appender.append(command())));
      await relays.shift()?.stop();
      relay();
      await appended;
    }
    await expectMirror(600);
  });

  it('starts a stream at the first event that is young enough', async () => {
    const old = await append(20);
    const since = new Date();
    expect(await firstPositionSince(database.db, since)).toBe(old + 1);
    expect(await firstPositionSince(database.db, new Date(0))).toBe(1);
    const maxAgeMs = 3_000;
    await eventually(() => Date.now() > since.getTime() + maxAgeMs, { what: 'the events to grow old' });
    const head = await append(15);
    expect(await firstPositionSince(database.db, since)).toBe(old + 1);
    const { evt, ...streams } = messaging.topology.streams;
    const topology = { ...messaging.topology, streams: { ...streams, evt: { ...evt, maxAgeMs } } };
    relay({
      messaging: new Proxy(messaging, { get: (target, key): unknown => (key === 'topology' ? topology : Reflect.get(target, key)) }),
    });
    await expectMirror(head, { first: old + 1 });
  });

  it('passes on what is in the log whatever its metadata holds', async () => {
    relay();
    const wrong = [
      {
        command_id: newId('command'),
        events: [
          { aggregate_type: 'tenant', aggregate_id: 'ü '.repeat(80), type: '*.>', payload: [1], meta: { job_id: 5, request_id: 'a\nb' } },
        ],
      },
    ];
    await database.db.query('select log.append($1)', [JSON.stringify(wrong)]);
    const context = newContext({ principal: 'user:usr_1', tenantId: 'acme', jobId: 'job_1' });
    await runInContext(context, () => createAppender({ catalogue: testEvents, sql: database.db }).append(command()));
    await eventuallyHolds(
      async () => {
        expect((await streamInfo()).state.last_seq).toBe(2);
      },
      { what: 'both events' },
    );
    const message = await (await messaging.manager()).streams.getMessage('EVT', { seq: 2 });
    const header = (name: string) => message?.header.get(name);
    const { incarnation } = await readHead(database.db);
    expect(
      ['fairlead-position', 'fairlead-incarnation', 'x-request-id', 'x-correlation-id', 'x-tenant-id', 'x-job-id'].map(header),
    ).toEqual(['2', incarnation, context.requestId, context.correlationId, 'acme', 'job_1']);
    expect(header('traceparent')?.slice(3, 35)).toBe(context.traceparent.slice(3, 35));
    expect(message?.json()).toMatchObject({
      position: 2,
      aggregate_type: 'tenant',
      version: 1,
      schema_version: 1,
      meta: { tenant_id: 'acme' },
      recorded_at: expect.stringMatching(/Z$/),
    });
  });
});

describe('a log that was restored', () => {
  async function another(): Promise<TestDatabase> {
    const made = await testDatabase({ service: 'placement' });
    others.push(made);
    return made;
  }

  /** What the relay's gauge says. */
  async function expectStopped(registry: Registry): Promise<void> {
    await eventuallyHolds(
      async () => {
        expect(await registry.metrics()).toContain('fairlead_relay_stopped 1');
      },
      { what: 'the relay to say that it has stopped' },
    );
  }

  it('to an older state does not continue the stream, until it begins a new incarnation', async () => {
    relay();
    await expectMirror(await append(30));
    await relays.pop()?.stop();
    const restored = await another();
    const [head] = await database.db.query<{ incarnation: string }>('select incarnation from log.head');
    await restored.adminSql.query('update log.head set incarnation = $1', [head?.incarnation]);
    await append(12, restored.db);
    const registry = new Registry();
    relay({ sql: restored.db, registry });
    await expectStopped(registry);
    await expectMirror(30);
    await restored.adminSql.query('select log.begin_incarnation()');
    await expectMirror(12, { sql: restored.db });
    await eventuallyHolds(
      async () => {
        expect(await registry.metrics()).toContain('fairlead_relay_stopped 0');
      },
      { what: 'the relay to go on' },
    );
  });

  it('leaves the stream of a later incarnation alone', async () => {
    const later = await another();
    await later.adminSql.query('select log.begin_incarnation()');
    relay({ sql: later.db });
    await expectMirror(await append(7, later.db), { sql: later.db });
    await append(20);
    const registry = new Registry();
    relay({ registry });
    await expectStopped(registry);
    await expectMirror(7, { sql: later.db });
  });
});
