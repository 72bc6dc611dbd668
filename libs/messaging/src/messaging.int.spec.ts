import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { createLogger, createMetrics } from '@fairlead/telemetry';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { connectMessaging, ensureStream, streamConfig, type Messaging } from './index.js';

/** Waits until the expectations hold. */
const soon = (what: string, check: () => void | Promise<void>) =>
  eventually(
    async () => {
      await check();
      return true;
    },
    { what },
  );

/** A NATS of its own, to be stopped, started and wiped: not the one of CONTROL_TEST_NATS_URL. */
let dir: string;
let server: RunningNats;
let messaging: Messaging;
let lines: string[];
const registry = () => createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
const silent = createLogger({ service: 'test', level: 'silent' });

async function start(port?: number): Promise<void> {
  server = await startNats({ dir, port, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
}

async function wipe(): Promise<void> {
  await rm(dir, { recursive: true, force: true });
}

const connected = (up: boolean) =>
  soon(`connected = ${String(up)}`, () => {
    expect(messaging.connected()).toBe(up);
  });

beforeEach(async () => {
  dir = testFolder('nats');
  await start();
  lines = [];
});

afterEach(async () => {
  await messaging.close();
  await server.stop();
  await wipe();
});

async function connectTo(url: string, token?: string): Promise<void> {
  const logger = createLogger({
    service: 'test',
    level: 'debug',
    destination: {
      write: (line: string) => {
        lines.push(line);
      },
    },
  });
  messaging = await connectMessaging({ url, token, namespace: 'spec', name: 'spec', logger, registry: registry() });
}

const makeEvt = async (firstSequence: number) =>
  await ensureStream(await messaging.manager(), streamConfig(messaging.topology.streams.evt, { replicas: 1, firstSequence }), silent);

const publish = async (n: number) =>
  await messaging.jetstream().publish(messaging.topology.subjects.event('tenant', 'acme', 'made'), JSON.stringify({ n }));

describe('the connection to NATS', () => {
  it('does not need NATS at boot: works when it comes, hooks and subscriptions included; tells no secret', async () => {
    await server.stop();
    await connectTo(server.url.replace('nats://', 'nats://someone:url-secret@'), 'token-secret');
    expect(messaging.connected()).toBe(false);
    expect(messaging.connection).toBeUndefined();
    expect(() => messaging.jetstream()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    await expect(messaging.manager()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(messaging.deadLetters.list()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(messaging.deadLetters.replay(1)).rejects.toMatchObject({ code: 'unavailable' });
    messaging.publishCore('spec.poke.log', { position: 1 });
    const got: unknown[] = [];
    const remove = messaging.subscribeCore('spec.poke.log', (data) => got.push(data));
    let runs = 0;
    messaging.onConnect(() => {
      runs += 1;
      return Promise.resolve();
    });
    await soon('a log line', () => {
      expect(lines.join('')).toContain('NATS is not reachable');
    });

    await start(server.port);
    await connected(true);
    await soon('the hook', () => {
      expect(runs).toBe(1);
    });
    await messaging.connection?.flush();
    messaging.publishCore('spec.poke.log', { position: 2 });
    await soon('the poke', () => {
      expect(got).toEqual([{ position: 2 }]);
    });
    remove();
    messaging.publishCore('spec.poke.log', { position: 3 });
    await messaging.connection?.flush();
    expect(got).toHaveLength(1);
    expect(lines.join('')).not.toMatch(/url-secret|token-secret/);
  });

  it('runs hooks at once when connected, at every reconnection, and again when they fail', async () => {
    await connectTo(server.url);
    await connected(true);
    let runs = 0;
    const remove = messaging.onConnect(() => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve();
    });
    await soon('a second run', () => {
      expect(runs).toBe(2);
    });
    await server.stop();
    await connected(false);
    await start(server.port);
    await soon('a run after reconnection', () => {
      expect(runs).toBe(3);
    });
    remove();
    await server.stop();
    await connected(false);
    await start(server.port);
    await connected(true);
    expect(runs).toBe(3);
  });

  it('goes on after an outage: subscriptions, and a consumer that repeats nothing it acknowledged', async () => {
    await connectTo(server.url);
    await connected(true);
    await makeEvt(1);
    const pokes: unknown[] = [];
    messaging.subscribeCore('spec.poke.log', (data) => pokes.push(data));
    const got: unknown[] = [];
    messaging.consume({
      name: 'outage',
      stream: 'evt',
      filters: [messaging.topology.subjects.eventsOf('tenant')],
      handler: ({ data }) => {
        got.push(data);
        return Promise.resolve();
      },
    });
    await publish(1);
    await soon('an acknowledgement', async () => {
      const info = await (await messaging.manager()).consumers.info(messaging.topology.streams.evt.name, 'outage');
      expect(info.ack_floor.stream_seq).toBe(1);
    });
    server.kill('SIGKILL');
    await server.exited;
    await connected(false);
    await start(server.port);
    await connected(true);
    await publish(2);
    messaging.publishCore('spec.poke.log', { position: 2 });
    await soon('delivery', () => {
      expect([got, pokes]).toEqual([[{ n: 1 }, { n: 2 }], [{ position: 2 }]]);
    });
  });

  it('goes on after the store was wiped: declared streams are back, a consumer gets what is published', async () => {
    await connectTo(server.url);
    await connected(true);
    await makeEvt(1);
    const got: { sequence: number; data: unknown }[] = [];
    let hold: Promise<void> = Promise.resolve();
    let release: () => void = () => undefined;
    messaging.consume({
      name: 'wiped',
      stream: 'evt',
      filters: [messaging.topology.subjects.eventsOf('tenant')],
      handler: async ({ sequence, data }) => {
        got.push({ sequence, data });
        await hold;
      },
    });
    await publish(1);
    await soon('the first message', () => {
      expect(got).toHaveLength(1);
    });
    // One message is at work and one waits in memory when the store goes.
    hold = new Promise((resolve) => (release = resolve));
    await publish(2);
    await publish(3);
    await soon('the second message', () => {
      expect(got).toHaveLength(2);
    });
    await server.stop();
    await wipe();
    await start(server.port);
    await connected(true);
    await eventually(async () => await (await messaging.manager()).streams.info(messaging.topology.streams.deadLetter.name), {
      what: 'the dead-letter stream',
      timeoutMs: 10_000,
    });
    // The log's relay refills from position 2 on; both messages must come again from there.
    await makeEvt(2);
    await publish(2);
    await publish(3);
    const evt = messaging.topology.streams.evt.name;
    await soon('both at the new consumer', async () => {
      expect((await (await messaging.manager()).consumers.info(evt, 'wiped')).num_ack_pending).toBe(2);
    });
    const releaseOld = release;
    hold = new Promise((resolve) => (release = resolve));
    releaseOld();
    await soon('the second message again', () => {
      expect(got).toHaveLength(3);
    });
    // The acknowledgement of the old delivery was not taken for one of the new consumer's.
    expect((await (await messaging.manager()).consumers.info(evt, 'wiped')).num_ack_pending).toBe(2);
    release();
    await soon('all acknowledged', async () => {
      const info = await (await messaging.manager()).consumers.info(evt, 'wiped');
      expect([info.ack_floor.stream_seq, info.num_ack_pending, info.num_pending]).toEqual([3, 0, 0]);
    });
    expect(got.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 2 }, { n: 3 }]);
    expect(got.at(-1)?.sequence).toBe(3);
  });

  it('replays dead letters after the store was wiped too: those of the new store', async () => {
    await connectTo(server.url);
    await connected(true);
    let failing = true;
    let handled = 0;
    messaging.consume({
      name: 'wiped-letters',
      stream: 'evt',
      filters: [messaging.topology.subjects.eventsOf('tenant')],
      maxDeliver: 1,
      handler: () => {
        if (failing) return Promise.reject(new Error('not yet'));
        handled += 1;
        return Promise.resolve();
      },
    });
    const oneLetter = async () => {
      await eventually(async () => await makeEvt(1), { what: 'the event stream' });
      await publish(1);
      return await eventually(async () => (await messaging.deadLetters.list())[0], { what: 'a dead letter' });
    };
    const lost = await oneLetter();
    await server.stop();
    await wipe();
    await start(server.port);
    await connected(true);
    expect(await eventually(() => messaging.deadLetters.list(), { what: 'an answer' })).toEqual([]);
    const letter = await oneLetter();
    expect([letter.sequence, letter.id]).toEqual([lost.sequence, expect.not.stringMatching(lost.id)]);
    failing = false;
    expect(await eventually(() => messaging.deadLetters.replay(letter.sequence), { what: 'the consumer of replays' })).toBe(true);
    await soon('the replay', () => {
      expect(handled).toBe(1);
    });
  });

  it('closes without NATS too, and consumers stop', async () => {
    await connectTo(server.url);
    await connected(true);
    messaging.consume({ name: 'closing', stream: 'evt', filters: ['spec.evt.>'], handler: () => Promise.resolve() });
    await server.stop();
    await connected(false);
    const started = performance.now();
    await messaging.close();
    expect(performance.now() - started).toBeLessThan(4000);
    expect(messaging.connected()).toBe(false);
    await start(server.port);
  });
});
