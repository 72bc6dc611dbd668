import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/nats-core';
import { AckPolicy } from '@nats-io/jetstream';
import { createLogger, createMetrics, currentContext, headersOfContext, newContext, type Registry } from '@fairlead/telemetry';
import { eventually, testMessaging } from '@fairlead/testing';
import { connectMessaging, ensureStream, streamConfig, type ConsumedMessage, type Messaging } from './index.js';

const silent = createLogger({ service: 'test', level: 'silent' });

/** Waits until the expectations hold. */
const soon = (what: string, check: () => void | Promise<void>) =>
  eventually(
    async () => {
      await check();
      return true;
    },
    { what },
  );

let nats: Awaited<ReturnType<typeof testMessaging>>;
let messaging: Messaging;
let registry: Registry;

beforeAll(async () => {
  nats = await testMessaging();
  registry = createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
  messaging = await connectMessaging({
    url: nats.url,
    token: nats.token,
    namespace: nats.namespace,
    name: 'spec',
    logger: silent,
    registry,
  });
  await eventually(() => messaging.connected(), { what: 'a connection' });
});

afterAll(async () => {
  await messaging.close();
  await nats.close();
});

async function makeEvt(firstSequence = 1): Promise<void> {
  await ensureStream(await messaging.manager(), streamConfig(messaging.topology.streams.evt, { replicas: 1, firstSequence }), silent);
}

async function publish(tenant: string, eventType: string, data: unknown, carried: Record<string, string> = {}): Promise<number> {
  const carrier = headers();
  Object.entries(carried).forEach(([name, value]) => {
    carrier.set(name, value);
  });
  const payload = typeof data === 'string' ? data : JSON.stringify(data);
  const ack = await messaging
    .jetstream()
    .publish(messaging.topology.subjects.event('tenant', tenant, eventType), payload, { headers: carrier });
  return ack.seq;
}

const filter = (eventType: string) => messaging.topology.subjects.eventsOf('tenant', eventType);

/** Collects what a consumer gets; `run` may fail or wait. */
function collect(run: (message: ConsumedMessage) => Promise<void> = () => Promise.resolve()) {
  const seen: ConsumedMessage[] = [];
  return {
    seen,
    handler: async (message: ConsumedMessage) => {
      seen.push(message);
      await run(message);
    },
    count: (count: number) =>
      soon(`${count} deliveries`, () => {
        expect(seen).toHaveLength(count);
      }),
  };
}

async function metric(name: string, consumer: string): Promise<number> {
  const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
  return values.find((value) => value.labels['consumer'] === consumer)?.value ?? 0;
}

async function noneLeft(name: string): Promise<void> {
  await soon(`all acknowledged by ${name}`, async () => {
    const info = await (await messaging.manager()).consumers.info(messaging.topology.streams.evt.name, name);
    expect([info.num_ack_pending, info.num_pending]).toEqual([0, 0]);
  });
}

describe('a durable consumer', () => {
  it('starts before its stream exists, then handles messages in order, each in the context of its headers', async () => {
    const contexts: unknown[] = [];
    const got = collect(() => {
      contexts.push(currentContext()?.correlationId);
      return Promise.resolve();
    });
    const consumer = messaging.consume({ name: 'in-order', stream: 'evt', filters: [filter('ordered')], handler: got.handler });
    await makeEvt(41);
    const sent = [1, 2, 3].map((n) => newContext({ correlationId: `cor-${n}` }));
    for (const [index, context] of sent.entries()) await publish('acme', 'ordered', { n: index }, headersOfContext(context));
    await publish('acme', 'unrelated', { n: 'other' });
    await got.count(3);
    const subject = messaging.topology.subjects.event('tenant', 'acme', 'ordered');
    expect(got.seen).toEqual([0, 1, 2].map((n) => ({ subject, sequence: 41 + n, data: { n }, deliveries: 1 })));
    expect(contexts).toEqual(['cor-1', 'cor-2', 'cor-3']);
    await noneLeft('in-order');
    await consumer.stop();
    expect(await metric('fairlead_messages_consumed_total', 'in-order')).toBe(3);
  });

  it('redelivers with pauses, then dead-letters with subject, sequence, error, deliveries and context; others pass', async () => {
    await makeEvt();
    const times: number[] = [];
    const got = collect((message) => {
      if ((message.data as { bad?: boolean }).bad !== true) return Promise.resolve();
      times.push(performance.now());
      return Promise.reject(new Error('no such shard'));
    });
    const consumer = messaging.consume({
      name: 'poisoned',
      stream: 'evt',
      filters: [filter('poison')],
      handler: got.handler,
      maxDeliver: 3,
      backoffMs: [50, 400],
    });
    const context = newContext({ correlationId: 'cor-poison' });
    const sequence = await publish('acme', 'poison', { bad: true }, headersOfContext(context));
    await publish('acme', 'poison', { bad: false });
    const letters = await eventually(
      async () => {
        const found = await messaging.deadLetters.list({ consumer: 'poisoned' });
        expect(found).toHaveLength(1);
        return found;
      },
      { what: 'a dead letter' },
    );
    expect(letters[0]).toMatchObject({
      consumer: 'poisoned',
      original: {
        stream: messaging.topology.streams.evt.name,
        subject: messaging.topology.subjects.event('tenant', 'acme', 'poison'),
        sequence,
      },
      deliveries: 3,
      error: 'no such shard',
      data: { bad: true },
    });
    expect(got.seen.map((message) => [message.sequence, message.deliveries])).toEqual([
      [sequence, 1],
      [sequence + 1, 1],
      [sequence, 2],
      [sequence, 3],
    ]);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(45);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(390);
    await noneLeft('poisoned');
    const raw = await (
      await messaging.manager()
    ).direct.getMessage(messaging.topology.streams.deadLetter.name, { seq: letters[0]?.sequence ?? 0 });
    expect(raw?.header.get('x-correlation-id')).toBe('cor-poison');
    await consumer.stop();
    expect(await metric('fairlead_messages_failed_total', 'poisoned')).toBe(3);
    expect(await metric('fairlead_messages_dead_lettered_total', 'poisoned')).toBe(1);
  });

  it('dead-letters what is not JSON at once, with its bytes', async () => {
    await makeEvt();
    const got = collect();
    const consumer = messaging.consume({ name: 'malformed', stream: 'evt', filters: [filter('malformed')], handler: got.handler });
    await publish('acme', 'malformed', '{not json');
    await soon('a dead letter', async () => {
      expect(await messaging.deadLetters.list({ consumer: 'malformed' })).toMatchObject([
        { deliveries: 1, data: { base64: Buffer.from('{not json').toString('base64') } },
      ]);
    });
    expect(got.seen).toEqual([]);
    await consumer.stop();
  });

  it('dead-letters a message whose handling ended the process each time, without running it again', async () => {
    await makeEvt();
    const stream = messaging.topology.streams.evt.name;
    const manager = await messaging.manager();
    await manager.consumers.add(stream, { durable_name: 'crasher', ack_policy: AckPolicy.Explicit, filter_subjects: [filter('crash')] });
    await publish('acme', 'crash', {});
    const raw = await messaging.jetstream().consumers.get(stream, 'crasher');
    for (let delivery = 0; delivery < 2; delivery++) (await raw.next({ expires: 2000 }))?.nak();
    const got = collect();
    const consumer = messaging.consume({ name: 'crasher', stream: 'evt', filters: [filter('crash')], handler: got.handler, maxDeliver: 2 });
    await soon('a dead letter', async () => {
      expect(await messaging.deadLetters.list({ consumer: 'crasher' })).toMatchObject([
        { deliveries: 3, error: 'handling did not finish in 2 deliveries' },
      ]);
    });
    expect(got.seen).toEqual([]);
    await noneLeft('crasher');
    await consumer.stop();
  });

  it('dead-letters such a message also when others were handled before it', async () => {
    await makeEvt();
    const stream = messaging.topology.streams.evt.name;
    const manager = await messaging.manager();
    const filters = [filter('late')];
    await manager.consumers.add(stream, { durable_name: 'late-crasher', ack_policy: AckPolicy.Explicit, filter_subjects: filters });
    const sequence = await publish('acme', 'late', 'null');
    const raw = await messaging.jetstream().consumers.get(stream, 'late-crasher');
    (await raw.next({ expires: 2000 }))?.nak();
    const held = await raw.next({ expires: 2000 });
    const got = collect();
    const consumer = messaging.consume({ name: 'late-crasher', stream: 'evt', filters, handler: got.handler, maxDeliver: 2 });
    await publish('acme', 'late', '"before it"');
    await got.count(1);
    held?.nak();
    await soon('a dead letter', async () => {
      expect(await messaging.deadLetters.list({ consumer: 'late-crasher' })).toMatchObject([{ deliveries: 3, original: { sequence } }]);
    });
    expect(got.seen.map(({ data }) => data)).toEqual(['before it']);
    await consumer.stop();
  });

  it('keeps a slow message, and those behind it, from being redelivered', async () => {
    await makeEvt();
    const got = collect((message) => (message.data === 'slow' ? new Promise((resolve) => setTimeout(resolve, 2500)) : Promise.resolve()));
    const consumer = messaging.consume({ name: 'slow', stream: 'evt', filters: [filter('slow')], handler: got.handler, ackWaitMs: 800 });
    await publish('acme', 'slow', '"slow"');
    await publish('acme', 'slow', '"quick"');
    await got.count(2);
    await noneLeft('slow');
    await consumer.stop();
    expect(got.seen.map(({ data, deliveries }) => ({ data, deliveries }))).toEqual([
      { data: 'slow', deliveries: 1 },
      { data: 'quick', deliveries: 1 },
    ]);
  });

  it('finishes and acknowledges what it received when stopped', async () => {
    await makeEvt();
    let release: () => void = () => undefined;
    const got = collect(() => new Promise((resolve) => (release = resolve)));
    const consumer = messaging.consume({ name: 'stopping', stream: 'evt', filters: [filter('stop')], handler: got.handler });
    await publish('acme', 'stop', { n: 1 });
    await got.count(1);
    const stopped = consumer.stop();
    release();
    await stopped;
    await noneLeft('stopping');
    const info = await (await messaging.manager()).consumers.info(messaging.topology.streams.evt.name, 'stopping');
    expect(info.num_redelivered).toBe(0);
  });

  it('is made anew when it is deleted, and when its stream is deleted and made again', async () => {
    await makeEvt();
    const stream = messaging.topology.streams.evt.name;
    const manager = await messaging.manager();
    const got = collect();
    const consumer = messaging.consume({ name: 'lost', stream: 'evt', filters: [filter('lost')], handler: got.handler });
    await publish('acme', 'lost', { n: 1 });
    await got.count(1);
    await noneLeft('lost');

    await manager.consumers.delete(stream, 'lost');
    await publish('acme', 'lost', { n: 2 });
    // The new durable starts at the stream's beginning: at least once.
    await got.count(3);
    expect(got.seen.map((message) => message.data)).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);

    await manager.streams.delete(stream);
    await makeEvt(1000);
    await publish('acme', 'lost', { n: 3 });
    await got.count(4);
    expect(got.seen.at(-1)).toMatchObject({ sequence: 1000, data: { n: 3 } });
    await consumer.stop();
  });

  it('is shared by replicas: each message goes to one of them', async () => {
    await makeEvt();
    const [left, right] = [collect(), collect()];
    const options = { name: 'shared', stream: 'evt', filters: [filter('shared')] } as const;
    const other = await connectMessaging({ url: nats.url, token: nats.token, namespace: nats.namespace, name: 'replica', logger: silent });
    const consumers = [messaging.consume({ ...options, handler: left.handler }), other.consume({ ...options, handler: right.handler })];
    for (let n = 0; n < 40; n++) await publish('acme', 'shared', { n });
    await soon('40 messages', () => {
      expect(left.seen.length + right.seen.length).toBe(40);
    });
    await noneLeft('shared');
    expect(new Set([...left.seen, ...right.seen].map((message) => message.sequence)).size).toBe(40);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await other.close();
  });

  it('refuses a name that is not a DNS label', () => {
    expect(() => messaging.consume({ name: 'Not.good', stream: 'evt', filters: ['x'], handler: () => Promise.resolve() })).toThrow(
      'DNS label',
    );
  });
});

describe('declared streams', () => {
  it('are made with what the topology says', async () => {
    const { config } = await (await messaging.manager()).streams.info(messaging.topology.streams.deadLetter.name);
    expect(config).toMatchObject({
      storage: 'file',
      num_replicas: 1,
      max_age: 30 * 24 * 3600 * 1e9,
      max_consumers: -1,
      deny_delete: false,
    });
  });

  it('are updated when they differ, and a difference that stays is told', async () => {
    const lines: string[] = [];
    const logger = createLogger({
      service: 'test',
      destination: {
        write: (line: string) => {
          lines.push(line);
        },
      },
    });
    const spec = {
      name: `${messaging.topology.streams.deadLetter.name}_X`,
      subjects: [`${nats.namespace}.x.>`],
      maxAgeMs: 60_000,
      sealed: false,
      createdBy: 'messaging',
    } as const;
    const manager = await messaging.manager();
    await manager.streams.add({ ...streamConfig(spec, { replicas: 1 }), max_consumers: 7 });
    const { info, differences } = await ensureStream(manager, streamConfig({ ...spec, maxAgeMs: 120_000 }, { replicas: 1 }), logger);
    expect(info.config.max_age).toBe(120e9);
    expect(differences).toEqual(['max_consumers']);
    expect(lines.join('')).toContain('"asked":{"max_consumers":-1},"kept":{"max_consumers":7}');
  });
});
