/** What the processes of this bench do: many readers, or who moves. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Msg } from '@nats-io/nats-core';
import { placedKinds } from '@fairlead/contracts';
import { nowMs, type Times } from '../log/watching.js';
import { readBytes } from './received.js';
import { follow, type Follower } from './following.js';
import { connectTo, lastMove, openMover, tenantName, type Side } from './world.js';

interface Common {
  side: Side;
  url: string;
  tenants: number;
  /** The moves before. */
  after: number;
  moves: number;
}

export interface ReadOptions extends Common {
  readers: number;
  /** Without moves: how long it is quiet. */
  quietMs: number;
}

export type MoveOptions = Common;

/** For each move, when each reader came to show it; and what all of them received. */
export interface Shown {
  times: Times[];
  bytes: number;
}

const connectAtOnce = 20;
const pauseMs = 20;
const longestMs = 60_000;
/** Core subject: the number of a move that all readers show. */
const shownByAll = 'bench.shown';

/** Connects all readers and waits until each shows all seats; what it answers resolves when all show all moves. */
export async function prepareRead({ side, url, tenants, after, moves, readers, quietMs }: ReadOptions): Promise<() => Promise<Shown>> {
  const times = Array.from({ length: moves }, (): Times => []);
  const done = Promise.withResolvers<undefined>();
  let left = readers * moves;
  const teller = await connectTo(url);
  const watcher = () => {
    let shown = after;
    return (move: number) => {
      const at = nowMs();
      for (; shown < move; shown += 1) {
        left -= 1;
        if (times[shown - after]?.push(at) === readers) teller.publish(shownByAll, String(shown + 1));
      }
      if (left === 0) done.resolve(undefined);
    };
  };
  const followers: Follower[] = [];
  for (let n = 0; n < readers; n += connectAtOnce) {
    const some = await Promise.all(Array.from({ length: Math.min(connectAtOnce, readers - n) }, () => connectTo(url)));
    const fresh = await Promise.all(some.map((connection) => follow(side, connection, watcher())));
    await Promise.all(fresh.map((follower) => follower.loaded(tenants * placedKinds.length)));
    followers.push(...fresh);
  }
  return async () => {
    const before = readBytes();
    if (moves > 0) await done.promise;
    else await pause(quietMs);
    const bytes = readBytes() - before;
    verify(followers, tenants, after + moves);
    return { times, bytes };
  };
}

/** Throws unless everybody shows the last move of every tenant. */
function verify(followers: readonly Follower[], tenants: number, moves: number): void {
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    for (const kind of placedKinds) {
      const wanted = `shard-${String(kind === 'aggregate' ? lastMove(tenant, moves, tenants) : 0)}`;
      const wrong = followers.filter((follower) => follower.seat(kind, tenantName(tenant)) !== wanted).length;
      if (wrong > 0) throw new Error(`${String(wrong)} readers do not show ${tenantName(tenant)} on ${wanted}`);
    }
  }
}

/** Moves one tenant after the other, each when all readers show the one before; answers when each put began. */
export async function prepareMove({ side, url, tenants, after, moves }: MoveOptions): Promise<() => Promise<Times>> {
  const mover = await openMover(side, url, tenants, after);
  const listener = await connectTo(url);
  const told = listener.subscribe(shownByAll)[Symbol.asyncIterator]();
  await listener.flush();
  return async () => {
    const times: Times = [];
    for (let move = after + 1; move <= after + moves; move += 1) {
      await pause(pauseMs);
      times.push(nowMs());
      await mover.move(move);
      const late = pause(longestMs, undefined, { ref: false });
      const answer = (await Promise.race([told.next(), late])) as IteratorResult<Msg, undefined> | undefined;
      if (answer?.value?.string() !== String(move)) throw new Error(`move ${String(move)} is not shown by all`);
    }
    await mover.close();
    await listener.close();
    return times;
  };
}
