import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testMessaging } from '@fairlead/testing';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { readBucket, writePublication, type BucketState } from './bucket.js';
import {
  createPlacementPublisher,
  watchPlacement,
  type PlacementSnapshot,
  type PlacementSource,
  type PlacementWatch,
  type PublishedInfo,
} from './index.js';
import { planPublication } from './publication.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);

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
let count = 0;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  nats = await testMessaging();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  await nats.close();
});

/** A connection in a namespace, that is a bucket, of its own; `again` connects another process to it. */
async function installation(): Promise<{ messaging: Messaging; again: () => Promise<Messaging> }> {
  const namespace = `${nats.namespace}_${count++}`;
  const again = async () => {
    const messaging = await connectMessaging({ url: nats.url, token: nats.token, namespace, name: 'spec', logger });
    cleanups.push(() => messaging.close());
    await soon('a connection', () => {
      expect(messaging.connected()).toBe(true);
    });
    return messaging;
  };
  return { messaging: await again(), again };
}

function watchIn(messaging: Messaging, onSnapshot?: (snapshot: PlacementSnapshot) => void): PlacementWatch {
  const watch = watchPlacement({ messaging, logger, onSnapshot });
  cleanups.push(() => watch.stop());
  return watch;
}

function placement(epoch: number, revision: number, moved: Record<string, string> = {}): PlacementSource {
  const map = () => new Map(tenants.map((tenant) => [tenant, moved[tenant] ?? 'shard-1']));
  return {
    epoch,
    revision,
    maps: { aggregate: map(), projection: map(), runner: map() },
    shards: [
      {
        kind: 'runner',
        shardId: 'shard-1',
        endpoints: [{ endpointId: 'one', url: 'http://127.0.0.1:1' }],
        weight: 1,
        labels: {},
        state: 'active',
      },
    ],
  };
}

const bucketState = async (messaging: Messaging) =>
  (await (await messaging.manager()).streams.info(`KV_${messaging.topology.buckets.placement.name}`)).state;

const reaches = (watch: { current(): PlacementSnapshot | undefined }, epoch: number, revision: number) =>
  soon(`revision ${epoch}/${revision}`, () => {
    expect(watch.current()).toMatchObject({ epoch, revision });
  });

/** The real connection, which hears of nothing. */
function deaf(messaging: Messaging): Messaging {
  const subscribe = () => ({ unsubscribe: () => undefined });
  const request = messaging.connection?.request.bind(messaging.connection);
  return { ...messaging, connection: { subscribe, request } as unknown as Messaging['connection'] };
}

/** The real connection, with the keys of all values that are asked for. */
function countingReads(messaging: Messaging): { counted: Messaging; reads: string[] } {
  const reads: string[] = [];
  const manager = async () => {
    const real = await messaging.manager();
    const getMessage: typeof real.streams.getMessage = (stream, query) => {
      reads.push('last_by_subj' in query ? query.last_by_subj : '');
      return real.streams.getMessage(stream, query);
    };
    const streams = new Proxy(real.streams, {
      get: (target, name) => (name === 'getMessage' ? getMessage : (Reflect.get(target, name, target) as unknown)),
    });
    return new Proxy(real, { get: (target, name) => (name === 'streams' ? streams : (Reflect.get(target, name, target) as unknown)) });
  };
  return { counted: { ...messaging, manager }, reads };
}

describe('placement through KV', () => {
  it('reaches a watcher that came first and one that comes later; a change writes one chunk per kind and the marker', async () => {
    const { messaging, again } = await installation();
    const snapshots: PlacementSnapshot[] = [];
    const early = watchIn(await again(), (snapshot) => snapshots.push(snapshot));
    const told: PublishedInfo[] = [];
    const publisher = createPlacementPublisher({
      messaging,
      logger,
      onPublished: (info) => {
        told.push(info);
        return Promise.resolve();
      },
    });
    expect(await publisher.highestKnown()).toBeUndefined();
    await publisher.publish(placement(4, 1));
    const before = (await bucketState(messaging)).last_seq;
    await publisher.publish(placement(4, 2, { 'tenant-3': 'shard-2' }));
    expect((await bucketState(messaging)).last_seq).toBe(before + 4);
    await reaches(early, 4, 2);
    expect(
      snapshots.map((snapshot) => [snapshot.revision, snapshot.shardOf('runner', 'tenant-3'), snapshot.shardOf('runner', 'tenant-4')]),
    ).toEqual(
      [
        [1, 'shard-1', 'shard-1'],
        [2, 'shard-2', 'shard-1'],
      ].slice(-snapshots.length),
    );
    const late = watchIn(messaging);
    await reaches(late, 4, 2);
    expect(late.current()?.shard('runner', 'shard-1')?.endpoints).toEqual([{ endpointId: 'one', url: 'http://127.0.0.1:1' }]);
    const { created } = await (await messaging.manager()).streams.info(`KV_${messaging.topology.buckets.placement.name}`);
    expect(told).toEqual([
      { epoch: 4, revision: 1, sequence: before, bucketCreated: created },
      { epoch: 4, revision: 2, sequence: before + 4, bucketCreated: created },
    ]);
    expect(await publisher.highestKnown()).toEqual({ epoch: 4, revision: 2, bucketCreated: created });
    await publisher.close();
  });

  it('is a bucket that KV clients can read', async () => {
    const { messaging } = await installation();
    await createPlacementPublisher({ messaging, logger }).publish(placement(1, 1));
    const { Kvm } = await import('@nats-io/kv');
    const bucket = await new Kvm(messaging.jetstream()).open(messaging.topology.buckets.placement.name);
    expect((await bucket.get('marker'))?.json()).toMatchObject({ format: 1, epoch: 1, revision: 1 });
  });

  it('writes nothing when nothing changed, over a restart of the publisher too', async () => {
    const { messaging } = await installation();
    await createPlacementPublisher({ messaging, logger }).publish(placement(1, 1));
    const { last_seq: before } = await bucketState(messaging);
    const told: PublishedInfo[] = [];
    const restarted = createPlacementPublisher({
      messaging,
      logger,
      onPublished: (info) => {
        told.push(info);
        return Promise.resolve();
      },
    });
    await restarted.publish(placement(1, 1));
    await restarted.publish(placement(1, 1));
    expect((await bucketState(messaging)).last_seq).toBe(before);
    expect(told).toMatchObject([{ epoch: 1, revision: 1, sequence: before }]);
    await restarted.publish(placement(1, 2, { 'tenant-0': 'shard-9' }));
    expect((await bucketState(messaging)).last_seq).toBe(before + 4);
  });

  it('refuses a lower epoch and other content of the same version; an older revision is left alone', async () => {
    const { messaging } = await installation();
    const publisher = createPlacementPublisher({ messaging, logger });
    await publisher.publish(placement(2, 5));
    const { last_seq: before } = await bucketState(messaging);
    await expect(publisher.publish(placement(1, 99))).rejects.toMatchObject({
      code: 'revision_mismatch',
      details: { published: { epoch: 1, revision: 99 }, in_bucket: { epoch: 2, revision: 5 } },
    });
    await expect(publisher.publish(placement(2, 5, { 'tenant-1': 'shard-2' }))).rejects.toMatchObject({ code: 'revision_mismatch' });
    await publisher.publish(placement(2, 4));
    expect((await bucketState(messaging)).last_seq).toBe(before);
    await publisher.publish(placement(3, 1));
    expect(await publisher.highestKnown()).toMatchObject({ epoch: 3, revision: 1 });
  });

  it('takes publications in a burst, the newest of those that wait', async () => {
    const { messaging } = await installation();
    const publisher = createPlacementPublisher({ messaging, logger });
    await Promise.all([3, 1, 7, 5].map((revision) => publisher.publish(placement(1, revision, { 'tenant-2': `shard-${revision}` }))));
    expect(await publisher.highestKnown()).toMatchObject({ revision: 7 });
    await publisher.close();
    await expect(publisher.publish(placement(1, 8))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('keeps two publishers from spoiling each other: watchers see whole, growing states and the highest in the end', async () => {
    const { messaging, again } = await installation();
    const publishers = [createPlacementPublisher({ messaging, logger }), createPlacementPublisher({ messaging: await again(), logger })];
    // Each revision moves many tenants, so that publications have several chunks to interleave.
    const at = (revision: number) => placement(1, revision, Object.fromEntries(tenants.map((tenant) => [tenant, `shard-of-${revision}`])));
    const seen: PlacementSnapshot[] = [];
    const watch = watchIn(await again(), (snapshot) => seen.push(snapshot));
    const outcomes = await Promise.all(
      publishers.map(async (publisher, index) => {
        let lost = 0;
        for (let revision = 1 + index; revision <= 60; revision += 2) await publisher.publish(at(revision)).catch(() => lost++);
        return lost;
      }),
    );
    await publishers[0]?.publish(at(61));
    await reaches(watch, 1, 61);
    for (const snapshot of seen) {
      expect(new Set(tenants.map((tenant) => snapshot.shardOf('projection', tenant)))).toEqual(new Set([`shard-of-${snapshot.revision}`]));
    }
    const revisions = seen.map((snapshot) => snapshot.revision);
    expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
    expect(new Set(revisions).size).toBe(revisions.length);
    // Both wrote at the same time and nearly all publications found their way.
    expect(outcomes.reduce((sum, lost) => sum + lost, 0)).toBeLessThan(20);
    const late = watchIn(messaging);
    await reaches(late, 1, 61);
  });

  it('has a publisher read what another one has changed, and the rest once', async () => {
    const { messaging, again } = await installation();
    const { counted, reads } = countingReads(await again());
    const [writer, other] = [createPlacementPublisher({ messaging, logger }), createPlacementPublisher({ messaging: counted, logger })];
    await writer.publish(placement(1, 1));
    await other.publish(placement(1, 1));
    const whole = reads.splice(0).length;
    for (let revision = 2; revision <= 4; revision++) {
      const source = placement(1, revision, { 'tenant-3': `shard-${revision}` });
      await writer.publish(source);
      await other.publish(source);
      // The marker and a chunk of each kind, which it looked for in vain to write them itself.
      expect(reads.splice(0).length).toBeLessThanOrEqual(7);
      expect(await other.verify(source)).toEqual({ damaged: [], differing: [] });
      expect(reads.splice(0).length).toBe(whole);
    }
    expect(whole).toBeGreaterThan(14);
    // And it can go on by itself from there.
    await other.publish(placement(1, 5));
    await reaches(watchIn(messaging), 1, 5);
  });

  it('goes on when the bucket is deleted and published again above the old sequences', async () => {
    const { messaging, again } = await installation();
    const manager = await messaging.manager();
    const stream = `KV_${messaging.topology.buckets.placement.name}`;
    const watch = watchIn(await again());
    const publisher = createPlacementPublisher({ messaging, logger });
    await publisher.publish(placement(1, 1));
    await reaches(watch, 1, 1);
    await publisher.publish(placement(1, 2, { 'tenant-1': 'shard-2' }));
    await reaches(watch, 1, 2);

    const { last_seq: before } = await bucketState(messaging);
    await manager.streams.delete(stream);
    await publisher.publish(placement(1, 3, { 'tenant-1': 'shard-3' }));
    expect((await bucketState(messaging)).first_seq).toBeGreaterThan(before);
    await reaches(watch, 1, 3);
    expect(watch.current()?.shardOf('aggregate', 'tenant-1')).toBe('shard-3');
  });

  it('notices by itself, within seconds, what it is not told: a publication and a bucket made anew with lower sequences', async () => {
    const { messaging, again } = await installation();
    const watch = watchIn(deaf(await again()));
    await createPlacementPublisher({ messaging, logger, floor: () => Promise.resolve(5000) }).publish(placement(1, 1));
    await reaches(watch, 1, 1);
    await createPlacementPublisher({ messaging, logger }).publish(placement(1, 2, { 'tenant-1': 'shard-2' }));
    await reaches(watch, 1, 2);

    await (await messaging.manager()).streams.delete(`KV_${messaging.topology.buckets.placement.name}`);
    // One that remembers nothing makes the bucket.
    await createPlacementPublisher({ messaging, logger }).publish(placement(1, 3, { 'tenant-1': 'shard-3' }));
    expect((await bucketState(messaging)).last_seq).toBeLessThan(5000);
    await reaches(watch, 1, 3);
    expect(watch.current()?.shardOf('aggregate', 'tenant-1')).toBe('shard-3');
  });

  it('reads a newer placement while a value that no publisher wrote stands in for the marker, and when it is gone', async () => {
    const { messaging, again } = await installation();
    const watch = watchIn(await again());
    const publisher = createPlacementPublisher({ messaging, logger });
    await publisher.publish(placement(1, 1));
    await reaches(watch, 1, 1);
    await messaging.jetstream().publish(`$KV.${messaging.topology.buckets.placement.name}.marker`, '{"format":9}');
    expect(watch.current()).toMatchObject({ epoch: 1, revision: 1 });
    await publisher.publish(placement(1, 2, { 'tenant-1': 'shard-2' }));
    await reaches(watch, 1, 2);
  });

  it('does not let a publisher that stalled write over what another has put in force', async () => {
    const { messaging } = await installation();
    const manager = await messaging.manager();
    const bucket = messaging.topology.buckets.placement;
    const publisher = createPlacementPublisher({ messaging, logger });
    await publisher.publish(placement(1, 1));
    const write = async (state: BucketState, source: PlacementSource) =>
      await writePublication(messaging.jetstream(), manager, bucket, state, planPublication(state.held, source));
    const read = await readBucket(manager, bucket, await manager.streams.info(`KV_${bucket.name}`));
    // It knows both slots of tenant-1's chunks; the next publication goes where revision 1 stood.
    const stalled = await write(read, placement(1, 2, { 'tenant-1': 'shard-2' }));
    await publisher.publish(placement(1, 3, { 'tenant-1': 'shard-3' }));
    const publish = (source: PlacementSource) => write(stalled, source);
    // The same chunk, another chunk, the marker alone.
    await expect(publish(placement(1, 4, { 'tenant-1': 'shard-4' }))).rejects.toThrow(/wrong last sequence|written to by someone else/);
    await expect(publish(placement(1, 4, { 'tenant-2': 'shard-4' }))).rejects.toThrow(/wrong last sequence|written to by someone else/);
    await expect(publish(placement(1, 4, { 'tenant-1': 'shard-2' }))).rejects.toThrow(/wrong last sequence|written to by someone else/);
    const watch = watchIn(messaging);
    await reaches(watch, 1, 3);
    expect(watch.current()?.shardOf('runner', 'tenant-1')).toBe('shard-3');
    await publisher.publish(placement(1, 5, { 'tenant-1': 'shard-5' }));
    await reaches(watch, 1, 5);
  });

  it('says so when NATS is away', async () => {
    const messaging = await connectMessaging({ url: 'nats://127.0.0.1:1', namespace: 'away', name: 'spec', logger });
    const publisher = createPlacementPublisher({ messaging, logger });
    await expect(publisher.publish(placement(1, 1))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(publisher.highestKnown()).rejects.toMatchObject({ code: 'unavailable' });
    await messaging.close();
  });
});
