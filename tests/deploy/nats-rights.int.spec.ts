/** What each user of NATS may do, by the accounts that are made for an installation, on a real server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { natsUsers } from '@fairlead/dev-env';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, ensureStream, streamConfig, type Messaging } from '@fairlead/messaging';
import { createPlacementPublisher, watchPlacement, type PlacementPublisher, type PlacementWatch } from '@fairlead/placement-map';
import { createLogger } from '@fairlead/telemetry';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { makeSurroundings } from './repository.js';

const logger = createLogger({ service: 'spec', level: 'silent' });
let server: RunningNats;
let controlPlane: Messaging;
let fleet: Messaging;
/** The fleet's user with a plain client, as somebody who is up to no good has it. */
let intruder: NatsConnection;
let publisher: PlacementPublisher;
let watch: PlacementWatch;
/** What the client is told of its violations. */
const statuses: string[] = [];

const source = (revision: number) => ({
  epoch: 1,
  revision,
  maps: { aggregate: new Map([['acme', `shard-${String(revision)}`]]), projection: new Map(), runner: new Map() },
  shards: [],
});
const reaches = (revision: number) =>
  eventually(() => watch.current()?.shardOf('aggregate', 'acme') === `shard-${String(revision)}`, {
    what: `revision ${String(revision)} at the fleet`,
    timeoutMs: 10_000,
  });

beforeAll(async () => {
  const { secretFiles } = await makeSurroundings(testFolder('nats-secrets'));
  const secret = (name: string) => readFileSync(join(secretFiles, name), 'utf8');
  server = await startNats({ dir: testFolder('nats'), authorization: secret('nats.auth.conf'), fsync: false, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  const given = { url: server.url, namespace: '', logger };
  const ofFleet = { user: natsUsers.fleet, token: secret('nats-fleet-token').trim() };
  controlPlane = await connectMessaging({ ...given, user: natsUsers.controlPlane, token: secret('nats-token').trim(), name: 'control' });
  fleet = await connectMessaging({ ...given, ...ofFleet, name: 'fleet', makesStreams: false });
  await eventually(() => controlPlane.connected() && fleet.connected(), { what: 'connections' });
  await ensureStream(await controlPlane.manager(), streamConfig(controlPlane.topology.streams.evt, { replicas: 1 }), logger);
  await eventually(async () => await (await controlPlane.manager()).streams.info('RETRY'), { what: 'the streams' });
  publisher = createPlacementPublisher({ messaging: controlPlane, logger });
  watch = watchPlacement({ messaging: fleet, logger });
  intruder = await connect({ servers: server.url, user: ofFleet.user, pass: ofFleet.token });
  void (async () => {
    for await (const status of intruder.status()) if (status.type === 'error') statuses.push(String(status.error));
  })();
});

afterAll(async () => {
  await watch.stop();
  await publisher.close();
  await intruder.close();
  await Promise.all([controlPlane.close(), fleet.close()]);
  await server.stop();
});

/** All streams with their last sequence and number of messages: what an intruder would change. */
async function streamsNow(): Promise<unknown[]> {
  const streams: unknown[] = [];
  for await (const { config, created, state } of (await controlPlane.manager()).streams.list()) {
    streams.push([config.name, created, state.last_seq, state.messages, state.consumer_count]);
  }
  return streams.sort();
}

describe("the fleet's user of NATS", () => {
  it('reads and follows placement, also in a bucket that is made anew', async () => {
    await publisher.publish(source(1));
    await reaches(1);
    await publisher.publish(source(2));
    await reaches(2);
    await (await controlPlane.manager()).streams.delete('KV_PLACEMENT');
    await publisher.publish(source(3));
    await reaches(3);
  });

  it('hears of increments, and of markers for readers of before', async () => {
    const heard: unknown[] = [];
    for (const subject of ['placement.increments', '$KV.PLACEMENT.marker'])
      intruder.subscribe(subject, {
        callback: (error, message) => void heard.push(error ?? message.json<{ revision: number }>().revision),
      });
    await intruder.flush();
    await publisher.publish(source(4));
    await eventually(() => heard.length === 2, { what: 'both' });
    expect(heard).toEqual([4, 4]);
  });

  it.each([
    '$KV.PLACEMENT.marker',
    'evt.tenant.acme.made',
    'retry.audit',
    'dead.audit',
    'poke.log',
    'poke.job',
    '$JS.API.STREAM.DELETE.EVT',
    '$JS.API.STREAM.PURGE.RETRY',
    '$JS.API.STREAM.UPDATE.EVT',
    '$JS.API.STREAM.INFO.EVT',
    '$JS.API.STREAM.CREATE.MINE',
    '$JS.API.STREAM.MSG.GET.KV_PLACEMENT',
    '$JS.API.CONSUMER.CREATE.EVT',
    '$JS.API.CONSUMER.CREATE.KV_PLACEMENT',
    '$JS.API.DIRECT.GET.EVT.evt.tenant.acme.made',
    '$JS.API.DIRECT.GET.KV_PLACEMENT',
    'placement.increments',
    '_INBOX.of.somebody',
    'anything',
  ])('may not publish to %s', async (subject) => {
    const before = await streamsNow();
    const heard: unknown[] = [];
    const remove = controlPlane.subscribeCore(subject, (data) => heard.push(data));
    await controlPlane.connection?.flush();
    statuses.length = 0;
    intruder.publish(subject, '{}');
    await intruder.flush();
    await eventually(() => statuses.length > 0, { what: 'a refusal' });
    expect(statuses.join()).toContain(`Permissions Violation for Publish to "${subject}"`);
    await controlPlane.connection?.flush();
    expect(heard).toEqual([]);
    remove();
    expect(await streamsNow()).toEqual(before);
  });

  it.each(['>', 'evt.>', 'retry.>', 'poke.>', '$JS.>', '$KV.PLACEMENT.>', 'placement.>', '$KV.OTHER.marker'])(
    'may not listen to %s',
    async (subject) => {
      const errors: string[] = [];
      const subscription = intruder.subscribe(subject, { callback: (error) => void errors.push(String(error)) });
      await intruder.flush();
      await eventually(() => errors.length > 0, { what: 'a refusal' });
      expect(errors.join()).toContain('Permissions Violation for Subscription');
      subscription.unsubscribe();
    },
  );

  it.each([
    'evt.tenant.acme.made',
    'retry.audit',
    'poke.log',
    'placement.increments',
    '$KV.PLACEMENT.marker',
    '$JS.API.STREAM.PURGE.RETRY',
  ])('can not have an answer sent to %s', async (reply) => {
    await publisher.publish(source(10));
    await reaches(10);
    const before = await streamsNow();
    const heard: unknown[] = [];
    const remove = controlPlane.subscribeCore(reply, (data) => heard.push(data));
    await controlPlane.connection?.flush();
    const question = '$JS.API.DIRECT.GET.KV_PLACEMENT.$KV.PLACEMENT.marker';
    intruder.publish(question, '', { reply });
    // Questions of one connection are answered in their order.
    expect((await intruder.request(question)).json()).toMatchObject({ revision: 10 });
    await controlPlane.connection?.flush();
    expect(heard).toEqual([]);
    remove();
    expect(await streamsNow()).toEqual(before);
  });

  it('hears nothing of what the control plane is answered', async () => {
    const heard: string[] = [];
    intruder.subscribe('_INBOX.>', { callback: (_error, message) => void heard.push(message.string()) });
    await intruder.flush();
    expect((await (await controlPlane.manager()).streams.info('EVT')).config.name).toBe('EVT');
    await intruder.flush();
    expect(heard.filter((text) => text.includes('stream_info_response'))).toEqual([]);
    await expect((await jetstreamManager(intruder, { checkAPI: false, timeout: 500 })).streams.info('EVT')).rejects.toThrow();
  });
});
