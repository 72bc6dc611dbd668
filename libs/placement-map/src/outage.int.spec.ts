import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { createPlacementPublisher, watchPlacement, type PlacementSource, type PlacementWatch } from './index.js';

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
const logger = createLogger({ service: 'test', level: 'silent' });
let dir: string;
let server: RunningNats;
let placementSide: Messaging;
let gatewaySide: Messaging;
let watches: PlacementWatch[];

async function start(port?: number): Promise<void> {
  server = await startNats({ dir, port, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
}

const connect = () => connectMessaging({ url: server.url, namespace: '', name: 'spec', logger });
const source = (epoch: number, revision: number, shard: string): PlacementSource => ({
  epoch,
  revision,
  maps: {
    aggregate: new Map([
      ['acme', shard],
      ['globex', 'fixed'],
    ]),
    projection: new Map(),
    runner: new Map([['acme', shard]]),
  },
  shards: [],
});

const isConnected = (messaging: Messaging, up: boolean) =>
  soon(`connected = ${String(up)}`, () => {
    expect(messaging.connected()).toBe(up);
  });
const allReach = (epoch: number, revision: number) =>
  soon(`all watchers at ${epoch}/${revision}`, () => {
    expect(watches.map((watch) => watch.current())).toEqual(watches.map(() => expect.objectContaining({ epoch, revision })));
  });

beforeEach(async () => {
  dir = testFolder('nats');
  await start();
  placementSide = await connect();
  gatewaySide = await connect();
  await isConnected(placementSide, true);
  watches = Array.from({ length: 5 }, () => watchPlacement({ messaging: gatewaySide, logger }));
});

afterEach(async () => {
  await Promise.all(watches.map((watch) => watch.stop()));
  await Promise.all([placementSide.close(), gatewaySide.close()]);
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('placement through a NATS outage', () => {
  it('keeps the last snapshot while NATS is away, and takes what is published after it', async () => {
    const publisher = createPlacementPublisher({ messaging: placementSide, logger });
    await publisher.publish(source(1, 1, 'shard-1'));
    await allReach(1, 1);
    server.kill('SIGKILL');
    await server.exited;
    await isConnected(placementSide, false);
    await isConnected(gatewaySide, false);
    expect(watches[0]?.current()?.shardOf('aggregate', 'acme')).toBe('shard-1');
    await expect(publisher.publish(source(1, 2, 'shard-2'))).rejects.toMatchObject({ code: 'unavailable' });
    await start(server.port);
    await isConnected(placementSide, true);
    await publisher.publish(source(1, 2, 'shard-2'));
    await allReach(1, 2);
    await publisher.publish(source(1, 3, 'shard-3'));
    await allReach(1, 3);
    await publisher.close();
  });

  it('goes on after the store was wiped: the same publisher republishes above the old sequences', async () => {
    const publisher = createPlacementPublisher({ messaging: placementSide, logger });
    for (let revision = 1; revision <= 20; revision++) await publisher.publish(source(1, revision, `shard-${revision}`));
    await allReach(1, 20);
    const { last_seq: before } = (await (await placementSide.manager()).streams.info('KV_PLACEMENT')).state;
    await server.stop();
    await rm(dir, { recursive: true, force: true });
    await isConnected(placementSide, false);
    await start(server.port);
    await isConnected(placementSide, true);
    expect(await publisher.highestKnown()).toBeUndefined();
    await publisher.publish(source(2, 1, 'shard-after'));
    expect((await (await placementSide.manager()).streams.info('KV_PLACEMENT')).state.first_seq).toBeGreaterThan(before);
    await allReach(2, 1);
    expect(watches[0]?.current()?.shardOf('runner', 'acme')).toBe('shard-after');
    await publisher.publish(source(2, 2, 'shard-last'));
    await allReach(2, 2);
    await publisher.close();
  });

  it('makes a lost bucket above the sequence that the caller remembers, and keeps one that is above it', async () => {
    const floor = () => Promise.resolve(7000);
    const publisher = createPlacementPublisher({ messaging: placementSide, logger, floor });
    await publisher.publish(source(1, 1, 'shard-1'));
    expect((await (await placementSide.manager()).streams.info('KV_PLACEMENT')).state.first_seq).toBeGreaterThan(7000);
    const { created } = await (await placementSide.manager()).streams.info('KV_PLACEMENT');
    await createPlacementPublisher({ messaging: placementSide, logger, floor }).publish(source(1, 2, 'shard-2'));
    await allReach(1, 2);
    expect((await (await placementSide.manager()).streams.info('KV_PLACEMENT')).created).toBe(created);
  });

  it('makes a bucket anew that is behind the sequence that the caller remembers', async () => {
    const bucketInfo = async () => (await placementSide.manager()).streams.info('KV_PLACEMENT');
    await createPlacementPublisher({ messaging: placementSide, logger }).publish(source(1, 1, 'shard-1'));
    await allReach(1, 1);
    const { created, state } = await bucketInfo();
    const floor = () => Promise.resolve(state.last_seq + 1);
    await createPlacementPublisher({ messaging: placementSide, logger, floor }).publish(source(1, 1, 'shard-1'));
    const anew = await bucketInfo();
    expect(anew.created).not.toBe(created);
    expect(anew.state.first_seq).toBeGreaterThan(state.last_seq + 1);
    await createPlacementPublisher({ messaging: placementSide, logger, floor }).publish(source(1, 2, 'shard-2'));
    await allReach(1, 2);
  });

  it('does not remove a bucket that another publisher has made anew meanwhile', async () => {
    const bucketInfo = async () => (await placementSide.manager()).streams.info('KV_PLACEMENT');
    await createPlacementPublisher({ messaging: placementSide, logger }).publish(source(1, 1, 'shard-1'));
    await allReach(1, 1);
    const old = await bucketInfo();
    const floor = () => Promise.resolve(old.state.last_seq + 1);
    const first = createPlacementPublisher({ messaging: placementSide, logger, floor });
    let made: string | undefined;
    // The second has seen the old copy as well, and waits for its turn.
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      await first.publish(source(1, 2, 'shard-2'));
      made = (await bucketInfo()).created;
      return await work();
    };
    await createPlacementPublisher({ messaging: placementSide, logger, floor, inTurn }).publish(source(1, 3, 'shard-3'));
    expect(made).not.toBe(old.created);
    expect((await bucketInfo()).created).toBe(made);
    await allReach(1, 3);
  });

  it('goes on after the store was replaced by an old copy, also with a publisher that remembers nothing', async () => {
    const publisher = createPlacementPublisher({ messaging: placementSide, logger });
    await publisher.publish(source(1, 1, 'shard-1'));
    await allReach(1, 1);
    const restart = async (work: () => Promise<void>) => {
      await server.stop();
      await work();
      await start(server.port);
      await isConnected(placementSide, true);
    };
    await restart(() => cp(join(dir, 'store'), join(dir, 'copy'), { recursive: true }));
    for (let revision = 2; revision <= 20; revision++) await publisher.publish(source(1, revision, `shard-${revision}`));
    await allReach(1, 20);
    await restart(async () => {
      await rm(join(dir, 'store'), { recursive: true });
      await cp(join(dir, 'copy'), join(dir, 'store'), { recursive: true });
    });
    await createPlacementPublisher({ messaging: placementSide, logger }).publish(source(1, 21, 'shard-21'));
    await allReach(1, 21);
    expect(watches[0]?.current()?.shardOf('aggregate', 'acme')).toBe('shard-21');
  });

  it('keeps the last snapshot while NATS does not answer, and takes what is published afterwards', async () => {
    const publisher = createPlacementPublisher({ messaging: placementSide, logger });
    await publisher.publish(source(1, 1, 'shard-1'));
    await allReach(1, 1);
    const problems: string[] = [];
    const destination = { write: (line: string) => problems.push(line) };
    watches.push(watchPlacement({ messaging: gatewaySide, logger: createLogger({ service: 'test', level: 'warn', destination }) }));
    await allReach(1, 1);
    // The connection stands, and nothing comes over it.
    server.kill('SIGSTOP');
    try {
      const told = () => problems.some((line) => line.includes('placement can not be read'));
      await eventually(told, { what: 'a question without an answer', timeoutMs: 25_000 });
    } finally {
      server.kill('SIGCONT');
    }
    expect(watches.map((watch) => watch.current()?.revision)).toEqual(watches.map(() => 1));
    await soon('an answer', async () => {
      await publisher.publish(source(1, 2, 'shard-2'));
    });
    await allReach(1, 2);
    await publisher.close();
  }, 60_000);

  it('ignores a bucket rolled back to an older state', async () => {
    const publisher = createPlacementPublisher({ messaging: placementSide, logger });
    await publisher.publish(source(3, 8, 'new'));
    await allReach(3, 8);
    await (await placementSide.manager()).streams.delete('KV_PLACEMENT');
    await createPlacementPublisher({ messaging: placementSide, logger }).publish(source(2, 50, 'old'));
    // The probe comes after the old state in the new bucket: when it is seen, the old one was read and left out.
    await createPlacementPublisher({ messaging: placementSide, logger }).publish(source(3, 9, 'probe'));
    const epochs = new Set<number>();
    await soon('the probe', () => {
      watches.forEach((watch) => epochs.add(watch.current()?.epoch ?? 0));
      expect(watches.map((watch) => watch.current()?.revision)).toEqual(watches.map(() => 9));
    });
    expect([...epochs]).toEqual([3]);
  });
});
