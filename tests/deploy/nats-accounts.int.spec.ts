/** The accounts of an installation with certificates, on a real server: services work across them, and can't reach beyond. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { natsAccess } from '@fairlead/contracts';
import { prepareCertificates } from '@fairlead/dev-env';
import { ensureStream, streamConfig, type Messaging } from '@fairlead/messaging';
import { createPlacementPublisher, watchPlacement } from '@fairlead/placement-map';
import { createLogger } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { AckPolicy } from '@nats-io/jetstream';
import { covers, natsGround, type NatsGround, type User } from './nats-ground.js';

const logger = createLogger({ service: 'spec', level: 'silent' });
let ground: NatsGround;
let audit: Messaging;
let placement: Messaging;
let observer: Messaging;
let revision = 0;

const publisher = () => createPlacementPublisher({ messaging: placement, logger });
const nextPlacement = () => ({
  epoch: 1,
  revision: (revision += 1),
  maps: { aggregate: new Map([['acme', `shard-${String(revision)}`]]), projection: new Map(), runner: new Map() },
  shards: [],
});
const append = async (type: string) =>
  (await audit.jetstream().publish(audit.topology.subjects.event('shard', 'one', type), JSON.stringify({ type }))).seq;

beforeAll(async () => {
  ground = await natsGround();
  [audit, placement, observer] = await Promise.all([
    ground.messaging('audit'),
    ground.messaging('placement'),
    ground.messaging('fleet-observer'),
  ]);
  await eventually(async () => await (await audit.manager()).streams.info('RETRY'), { what: 'the streams' });
  await ensureStream(await audit.manager(), streamConfig(audit.topology.streams.evt, { replicas: 1 }), logger);
});
afterAll(() => ground.stop());

/** All streams of both accounts with what is in them: what an intruder would change. */
async function streamsNow(): Promise<unknown[]> {
  const infos = await Promise.all([
    ...['EVT', 'DEAD', 'RETRY'].map(async (name) => (await audit.manager()).streams.info(name)),
    (await placement.manager()).streams.info('KV_PLACEMENT'),
  ]);
  return infos.map(({ config, created, state }) => [config.name, created, state.last_seq, state.messages]);
}

describe('accounts by certificate', () => {
  it("a durable consumer works across accounts: events come, what fails is given up on, and is replayed by the log's owner", async () => {
    const seen: { sequence: number; deliveries: number }[] = [];
    let failing = true;
    observer.consume({
      name: 'fleet-observer',
      stream: 'evt',
      filters: [observer.topology.subjects.eventsOf('placement_map'), observer.topology.subjects.eventsOf('shard')],
      maxDeliver: 2,
      backoffMs: [1],
      handler: ({ sequence, deliveries }) => {
        seen.push({ sequence, deliveries });
        return failing ? Promise.reject(new Error('not now')) : Promise.resolve();
      },
    });
    const first = await append('changed');
    const letter = await eventually(async () => (await audit.deadLetters.list({ consumer: 'fleet-observer' }))[0], {
      what: 'a dead letter',
    });
    expect(letter.original.sequence).toBe(first);
    expect(seen).toEqual([1, 2].map((deliveries) => ({ sequence: first, deliveries })));
    failing = false;
    await eventually(async () => await (await audit.manager()).consumers.info('RETRY', 'fleet-observer'), {
      what: 'the consumer of replays',
    });
    expect(await audit.deadLetters.replay(letter.sequence)).toBe(true);
    await eventuallyHolds(
      () => {
        expect(seen).toHaveLength(3);
      },
      { what: 'the replay' },
    );
    // More than one pull's worth: pulls are made anew across accounts.
    const last = await Array.from({ length: 200 }).reduce<Promise<number>>(
      (before) => before.then(() => append('changed')),
      Promise.resolve(0),
    );
    await eventuallyHolds(
      async () => {
        expect(seen.at(-1)?.sequence).toBe(last);
        expect((await (await observer.manager()).consumers.info('EVT', 'fleet-observer')).num_ack_pending).toBe(0);
      },
      { what: 'all events, acknowledged' },
    );
    expect(new Set(seen.map(({ sequence }) => sequence)).size).toBe(201);
  });

  it('a gateway follows the stream by a consumer of its own name', async () => {
    const gateway = await ground.messaging('api-gateway');
    const manager = await gateway.manager();
    const info = await manager.consumers.add('EVT', { name: 'follower-1', ack_policy: AckPolicy.None, mem_storage: true });
    const heard: number[] = [];
    const messages = await gateway
      .jetstream()
      .consumers.getConsumerFromInfo(info)
      .consume({ max_messages: 20, callback: ({ seq }) => void heard.push(seq) });
    const { last_seq: last } = (await manager.streams.info('EVT')).state;
    await eventuallyHolds(
      () => {
        expect(heard).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      },
      { what: 'the whole stream' },
    );
    await messages.close();
    expect(await manager.consumers.delete('EVT', 'follower-1')).toBe(true);
    await expect(manager.consumers.delete('EVT', 'fleet-observer')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/);
  });

  it('placement is read by the observer and by managed services, also from a bucket that is made anew', async () => {
    const readers = await Promise.all((['fleet-observer', 'fleet'] as const).map((user) => ground.messaging(user)));
    const watches = readers.map((messaging) => watchPlacement({ messaging, logger }));
    const reaches = async () => {
      await eventuallyHolds(
        () => {
          for (const watch of watches) expect(watch.current()?.shardOf('aggregate', 'acme')).toBe(`shard-${String(revision)}`);
        },
        { what: `revision ${String(revision)}` },
      );
    };
    await publisher().publish(nextPlacement());
    await reaches();
    await (await placement.manager()).streams.delete('KV_PLACEMENT');
    await publisher().publish(nextPlacement());
    await reaches();
    await Promise.all(watches.map((watch) => watch.stop()));
  });

  it('pokes reach whom they are meant for', async () => {
    const [gateway, orchestrator, replica] = await Promise.all(
      (['api-gateway', 'job-orchestrator', 'job-orchestrator'] as const).map((user) => ground.messaging(user)),
    );
    const heard: string[] = [];
    const { logPoke, jobPoke } = audit.topology.subjects;
    audit.subscribeCore(logPoke, () => void heard.push('audit'));
    gateway?.subscribeCore(logPoke, () => void heard.push('api-gateway'));
    replica?.subscribeCore(jobPoke, () => void heard.push('job-orchestrator'));
    for (const messaging of [audit, gateway, replica]) await messaging?.connection?.flush();
    orchestrator?.publishCore(logPoke, { position: 1 });
    orchestrator?.publishCore(jobPoke, { from: 'spec' });
    await eventuallyHolds(
      () => {
        expect([...heard].sort()).toEqual(['api-gateway', 'audit', 'job-orchestrator']);
      },
      { what: 'the pokes' },
    );
  });
});

describe('an answer', () => {
  const questions: readonly (readonly [User, string])[] = [
    ['api-gateway', '$JS.API.STREAM.INFO.EVT'],
    ['fleet-observer', '$JS.API.CONSUMER.INFO.EVT.fleet-observer'],
    ['fleet-observer', '$JS.API.DIRECT.GET.KV_PLACEMENT.$KV.PLACEMENT.marker'],
    ['placement', '$JS.API.STREAM.INFO.KV_PLACEMENT'],
  ];
  const places = [
    'evt.tenant.acme.made',
    'retry.fleet-observer',
    'dead.fleet-observer',
    'poke.job',
    'placement.increments',
    '$KV.PLACEMENT.marker',
  ];
  /** Where a user can't send anything by itself either. */
  const foreignTo = (user: User) =>
    places.filter((place) => !natsAccess('').some(({ subject, publish }) => publish?.includes(user) === true && covers(subject, place)));

  it.each(questions)('that %s has sent elsewhere by %s reaches no stream and nobody else', async (user, question) => {
    await publisher().publish(nextPlacement());
    const { connection } = await ground.intruder(user);
    const orchestrator = await ground.messaging('job-orchestrator');
    const heard: unknown[] = [];
    orchestrator.subscribeCore('poke.job', (data) => heard.push(data));
    await orchestrator.connection?.flush();
    const before = await streamsNow();
    expect(foreignTo(user).length).toBeGreaterThan(3);
    for (const reply of foreignTo(user)) connection.publish(question, '', { reply });
    // Questions of one connection are answered in their order.
    await connection.request(question);
    await orchestrator.connection?.flush();
    expect(await streamsNow()).toEqual(before);
    expect(heard).toEqual([]);
  });
});

describe('certificates of the server', () => {
  const reloads = () => readFileSync(ground.server.logFile, 'utf8').split('Reloaded server configuration').length;

  it('are replaced without a restart: connections go on, new ones are made with the new ones', async () => {
    const kept = await ground.messaging('audit');
    const old = ground.material('audit');
    const reload = async () => {
      const before = reloads();
      ground.server.kill('SIGHUP');
      await eventually(() => reloads() > before, { what: 'the server to have read its files' });
    };
    const goesOn = async () => {
      expect((await (await kept.manager()).streams.info('EVT')).config.name).toBe('EVT');
      expect(kept.connections()).toBe(1);
    };
    await prepareCertificates(ground.dir, { newCa: true });
    await reload();
    await goesOn();
    await prepareCertificates(ground.dir, { renew: true });
    await reload();
    await goesOn();
    // The old certificate and its CA are trusted still, and the new ones as well.
    await ground.messaging('audit');
    await prepareCertificates(ground.dir, { dropOldCa: true });
    await reload();
    await goesOn();
    await ground.messaging('audit');
    await expect(ground.connectWith({ ...old, ca: ground.material('audit').ca })).rejects.toThrow();
    // And it works across accounts as before.
    const last = await append('changed');
    await eventuallyHolds(
      async () => {
        expect((await (await observer.manager()).consumers.info('EVT', 'fleet-observer')).ack_floor.stream_seq).toBe(last);
      },
      { what: 'the consumer to go on' },
    );
  });
});
