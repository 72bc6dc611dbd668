/** The seats that both sides hold, and how they are written. */
import { Kvm, type KV } from '@nats-io/kv';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { placedKinds } from '@fairlead/contracts';
import { createPlacementPublisher, type PlacementSource } from '@fairlead/placement-map';
import { createLogger } from '@fairlead/telemetry';
import { openBus, ownBus } from '../log/bus.js';

export type Side = 'ours' | 'peer';
export const sides = ['ours', 'peer'] as const;

export const namespace = ownBus('').namespace;
const peerBucket = 'PEER';
const logger = createLogger({ service: 'bench', level: 'silent' });

export const tenantName = (index: number) => `tenant-${String(index)}`;
const shardName = (move: number) => `shard-${String(move)}`;
/** Which move a seat is of. */
export const moveOf = (shard: string) => Number(shard.slice('shard-'.length));
export const seatKey = (kind: string, tenant: string) => `${kind}.${tenant}`;

/** The tenant that a move is of; moves are numbered from 1, and each is of one aggregate's seat. */
export const tenantOf = (move: number, tenants: number) => move % tenants;

/** The last move up to one that a tenant had; 0 for none. */
export function lastMove(tenant: number, upTo: number, tenants: number): number {
  const last = upTo - ((upTo - tenant) % tenants);
  return upTo < tenant || last < 1 ? 0 : last;
}

/** All seats after a move. */
export function placementAfter(move: number, tenants: number): PlacementSource {
  const seats = (moved: boolean) =>
    new Map(Array.from({ length: tenants }, (_, index) => [tenantName(index), shardName(moved ? lastMove(index, move, tenants) : 0)]));
  return {
    epoch: 1,
    revision: move + 1,
    maps: { aggregate: seats(true), projection: seats(false), runner: seats(false) },
    shards: [],
  };
}

/** A connection as any client has it. */
export const connectTo = (url: string): Promise<NatsConnection> => connect({ servers: url, noAsyncTraces: true, timeout: 30_000 });

/** The bucket of `kv.watch()`. */
export function peersBucket(connection: NatsConnection): Promise<KV> {
  return new Kvm(jetstream(connection, { timeout: 30_000 })).open(peerBucket);
}

/** One who writes seats. */
export interface Mover {
  /** Resolves when it is acknowledged. */
  move(move: number): Promise<void>;
  close(): Promise<void>;
}

/** How one moves seats on a side, beginning with the state after a move. */
export async function openMover(side: Side, url: string, tenants: number, after: number): Promise<Mover> {
  if (side === 'peer') {
    const connection = await connectTo(url);
    const bucket = await peersBucket(connection);
    return {
      move: async (move) => {
        await bucket.put(seatKey('aggregate', tenantName(tenantOf(move, tenants))), shardName(move));
      },
      close: () => connection.close(),
    };
  }
  const messaging = await openBus(ownBus(url), { readOnly: true });
  const publisher = createPlacementPublisher({ messaging, logger });
  const source = placementAfter(after, tenants);
  await publisher.publish(source);
  const aggregate = new Map(source.maps.aggregate);
  return {
    move: async (move) => {
      aggregate.set(tenantName(tenantOf(move, tenants)), shardName(move));
      await publisher.publish({ ...source, revision: move + 1, maps: { ...source.maps, aggregate } });
    },
    async close() {
      await publisher.close();
      await messaging.close();
    },
  };
}

/** Tells time and again what is in force, as the placement service does; returns how to end that. */
export async function announce(url: string, tenants: number): Promise<() => Promise<void>> {
  const messaging = await openBus(ownBus(url), { readOnly: true });
  const publisher = createPlacementPublisher({ messaging, logger });
  const placement = placementAfter(0, tenants);
  await publisher.publish(placement);
  const timer = setInterval(() => {
    publisher.announce(placement);
  }, 1_000);
  return async () => {
    clearInterval(timer);
    await publisher.close();
    await messaging.close();
  };
}

/** Writes the seats before any move. */
export async function fill(side: Side, url: string, tenants: number): Promise<void> {
  if (side === 'ours') {
    await (await openMover('ours', url, tenants, 0)).close();
    return;
  }
  const connection = await connectTo(url);
  const bucket = await new Kvm(jetstream(connection, { timeout: 30_000 })).create(peerBucket, { history: 1 });
  const keys = placedKinds.flatMap((kind) => Array.from({ length: tenants }, (_, index) => seatKey(kind, tenantName(index))));
  const atOnce = 500;
  for (let start = 0; start < keys.length; start += atOnce)
    await Promise.all(keys.slice(start, start + atOnce).map((key) => bucket.put(key, shardName(0))));
  await connection.close();
}
