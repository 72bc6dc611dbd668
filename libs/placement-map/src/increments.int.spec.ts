import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/nats-core';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { placementNames, watchPlacement, type PlacementReader, type PlacementSource } from '@fairlead/placement-reader';
import { shortSha256 } from '@fairlead/placement-reader/format';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testMessaging, type TestMessaging } from '@fairlead/testing';
import { createPlacementPublisher, type PlacementPublisher } from './publisher.js';

/** A reader on a plain connection, as a gateway has it. */
const logger = createLogger({ service: 'test', level: 'silent' });
let nats: TestMessaging;
let messaging: Messaging;
let gatewaySide: Messaging;
let publisher: PlacementPublisher;
let reader: PlacementReader;
let questions: string[] = [];
let deaf = false;
let unheard = 0;
let revision = 0;

const source = (): PlacementSource => ({
  epoch: 1,
  revision,
  maps: { aggregate: new Map([['acme', `shard-${String(revision)}`]]), projection: new Map(), runner: new Map([['globex', 'fixed']]) },
  shards: [{ kind: 'runner', shardId: 'fixed', endpoints: [], weight: revision, labels: {}, state: 'active' }],
});

async function move(): Promise<void> {
  revision += 1;
  await publisher.publish(source());
}

const arrives = () =>
  eventually(() => reader.current()?.shardOf('aggregate', 'acme') === `shard-${String(revision)}`, {
    what: `revision ${String(revision)}`,
  });

beforeAll(async () => {
  nats = await testMessaging();
  const connect = () => connectMessaging({ url: nats.url, token: nats.token, namespace: nats.namespace, name: 'spec', logger });
  [messaging, gatewaySide] = await Promise.all([connect(), connect()]);
  await eventually(() => messaging.connected() && gatewaySide.connected(), { what: 'connections' });
  publisher = createPlacementPublisher({ messaging, logger });
  reader = watchPlacement({ connection: watched(gatewaySide.connection), names: placementNames(nats.namespace), logger });
});

/** The connection itself, with what is asked over it written down, and deaf at times. */
function watched(connection: NatsConnection | undefined): NatsConnection {
  if (connection === undefined) throw new Error('there is no connection');
  return new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'request') {
        return (subject: string, ...rest: [string, { timeout: number }]) => {
          questions.push(subject);
          return target.request(subject, ...rest);
        };
      }
      if (name === 'subscribe') {
        return (subject: string, options: { callback: (error: Error | null, message: unknown) => void }) =>
          target.subscribe(subject, {
            callback: (error, message) => {
              if (deaf) unheard += 1;
              else options.callback(error, message);
            },
          });
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

afterAll(async () => {
  await reader.stop();
  await publisher.close();
  await Promise.all([messaging.close(), gatewaySide.close()]);
  await nats.close();
});

describe('a reader on a plain connection', () => {
  it('has the first state by questions, and each one after it by increments alone', async () => {
    await move();
    await arrives();
    expect(questions.some((subject) => subject.endsWith('.marker'))).toBe(true);
    questions = [];
    for (let count = 0; count < 20; count++) {
      await move();
      await arrives();
    }
    expect(reader.current()?.shard('runner', 'fixed')).toMatchObject({ weight: revision });
    // Now and then it may look at the marker, and finds what it shows: no chunk was asked for.
    expect(questions.filter((subject) => !subject.endsWith('.marker'))).toEqual([]);
  });

  it('asks for what it has missed when it hears of the next, and goes on by increments', async () => {
    questions = [];
    deaf = true;
    await move();
    await eventually(() => unheard > 0, { what: 'an increment that is not heard' });
    deaf = false;
    await move();
    await arrives();
    expect(questions.filter((subject) => !subject.endsWith('.marker')).length).toBeGreaterThan(0);
    questions = [];
    await move();
    await arrives();
    expect(questions.filter((subject) => !subject.endsWith('.marker'))).toEqual([]);
  });

  it('is told in between what is in force, by the hash of the marker that stands in the bucket', async () => {
    const heard: unknown[] = [];
    const remove = gatewaySide.subscribeCore(placementNames(nats.namespace).increments, (message) => heard.push(message));
    await gatewaySide.connection?.flush();
    // Of what it does not know to stand there it says nothing.
    expect(publisher.announce({ epoch: 1, revision: revision + 1 })).toBe(false);
    await eventually(
      () => {
        expect(publisher.announce({ epoch: 1, revision })).toBe(true);
        return heard.length > 0;
      },
      { what: 'what is in force', timeoutMs: 20_000 },
    );
    remove();
    const { name } = messaging.topology.buckets.placement;
    const stored = await (await messaging.manager()).streams.getMessage(`KV_${name}`, { last_by_subj: `$KV.${name}.marker` });
    expect(heard[0]).toEqual({ format: 1, epoch: 1, revision, marker: shortSha256(stored?.data ?? '') });
  });

  it('keeps what it shows when it is told nonsense, and looks whether there is something', async () => {
    const shown = reader.current();
    questions = [];
    messaging.publishCore(placementNames(nats.namespace).increments, { format: 99 });
    await eventually(() => questions.length > 0, { what: 'a look' });
    expect(reader.current()).toBe(shown);
    await move();
    await arrives();
  });
});
