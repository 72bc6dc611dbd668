/** One reader of either side. */
import type { NatsConnection } from '@nats-io/transport-node';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { placementNames, watchPlacement } from '@fairlead/placement-reader';
import { moveOf, namespace, peersBucket, seatKey, type Side } from './world.js';

export interface Follower {
  /** Resolves when it shows this many seats for the first time. */
  loaded(seats: number): Promise<void>;
  seat(kind: PlacedKind, tenant: string): string | undefined;
  stop(): Promise<void>;
}

/** Follows over a connection. `onMove` is called with the highest move that it has come to show, each time that this grows. */
export async function follow(side: Side, connection: NatsConnection, onMove: (move: number) => void): Promise<Follower> {
  return side === 'ours' ? followOurs(connection, onMove) : await followPeer(connection, onMove);
}

function followOurs(connection: NatsConnection, onMove: (move: number) => void): Follower {
  const first = Promise.withResolvers<undefined>();
  const reader = watchPlacement({
    connection,
    names: placementNames(namespace),
    onSnapshot: (snapshot) => {
      first.resolve(undefined);
      onMove(snapshot.revision - 1);
    },
  });
  return {
    async loaded(seats) {
      await first.promise;
      const found = placedKinds.reduce((sum, kind) => sum + (reader.current()?.tenants(kind) ?? 0), 0);
      if (found !== seats) throw new Error(`a reader loaded ${String(found)} seats, not ${String(seats)}`);
    },
    seat: (kind, tenant) => reader.current()?.shardOf(kind, tenant),
    stop: () => reader.stop(),
  };
}

async function followPeer(connection: NatsConnection, onMove: (move: number) => void): Promise<Follower> {
  const bucket = await peersBucket(connection);
  const entries = await bucket.watch();
  const seats = new Map<string, string>();
  const waiting: { seats: number; resolve: () => void }[] = [];
  const run = async () => {
    for await (const entry of entries) {
      const shard = entry.string();
      seats.set(entry.key, shard);
      if (entry.isUpdate) onMove(moveOf(shard));
      for (const one of waiting) if (seats.size >= one.seats) one.resolve();
    }
  };
  void run();
  return {
    loaded: (count) =>
      new Promise((resolve) => {
        if (seats.size >= count) resolve();
        else waiting.push({ seats: count, resolve });
      }),
    seat: (kind, tenant) => seats.get(seatKey(kind, tenant)),
    stop() {
      entries.stop();
      return Promise.resolve();
    },
  };
}
