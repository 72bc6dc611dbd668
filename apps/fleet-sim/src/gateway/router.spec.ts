import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@fairlead/testing';
import { HttpServer, Problem, type HttpAnswer } from '../http/server.js';
import { PlacementBoard, placementOf } from '../placement.js';
import { AppliedPlacement } from './applied-placement.js';
import { Router, type RoutedCommand, type RouterOptions } from './router.js';

/** A gateway's router in front of two shards that answer as each spec says. */
type Handler = () => HttpAnswer | Promise<HttpAnswer>;

const answers = new Map<string, Handler>();
const asked: string[] = [];
const servers: HttpServer[] = [];
let urls: Record<string, string>;
let board: PlacementBoard;
let placement: AppliedPlacement;
let router: Router;
let lagMs = 0;

beforeEach(async () => {
  urls = {};
  for (const shard of ['runner-1', 'runner-2']) {
    const handle: Handler = () => {
      asked.push(shard);
      return answers.get(shard)?.() ?? done;
    };
    const server = new HttpServer([{ method: 'POST', path: '/tenants/:tenant/commands', handle }], () => undefined);
    urls[shard] = `http://127.0.0.1:${String(await server.listen(0, '127.0.0.1'))}`;
    servers.push(server);
  }
  board = new PlacementBoard();
  place('runner-1', 1);
  await open();
});
afterEach(async () => {
  await router.destroy();
  await placement.stop();
  for (const server of servers.splice(0)) await server.destroy();
  answers.clear();
  asked.length = 0;
  lagMs = 0;
});

const done: HttpAnswer = { status: 200, body: { seq: 1 } };
const draining = () => {
  throw new Problem(503, 'tenant_draining', 'draining');
};
const moved = (revision: number) => () => {
  throw new Problem(409, 'tenant_moved', 'moved', { revision });
};
const command: RoutedCommand = { tenant: 'acme', kind: 'runner', seq: 1, closed: () => false };

async function open(options: Partial<RouterOptions> = {}): Promise<void> {
  const file = join(mkdtempSync(join(tmpdir(), 'router-')), 'placement.json');
  placement = await AppliedPlacement.open({ feed: board, file, lagMs: () => lagMs, onSaveError: () => undefined });
  router = new Router({ placement, ...options });
}

async function reopen(options: Partial<RouterOptions>): Promise<void> {
  await router.destroy();
  await placement.stop();
  await open(options);
}

function place(shard: string, revision: number): void {
  const shards = Object.entries(urls).map(([shardId, url]) => ({
    kind: 'runner' as const,
    shardId,
    endpoints: [{ endpointId: shardId, url }],
  }));
  board.show(
    placementOf({ epoch: 1, revision, shards, maps: { aggregate: new Map(), projection: new Map(), runner: new Map([['acme', shard]]) } }),
  );
}

describe('router', () => {
  it('passes the answer of the shard on', async () => {
    answers.set('runner-1', () => ({ status: 200, body: { seq: 1, repeated: false } }));
    expect(await router.route(command)).toEqual({ status: 200, body: { seq: 1, repeated: false } });
    answers.set('runner-1', () => {
      throw new Problem(409, 'command_gap', 'gap', { expected: 4 });
    });
    expect(await router.route(command)).toMatchObject({ status: 409, body: { code: 'command_gap', expected: 4 } });
    expect(asked).toEqual(['runner-1', 'runner-1']);
  });

  it('holds a command of a tenant that is drained until a placement change leads elsewhere', async () => {
    answers.set('runner-1', draining);
    const routed = router.route(command);
    await eventually(() => asked.length > 1, { what: 'the shard to be asked again' });
    place('runner-2', 2);
    expect(await routed).toEqual(done);
    expect(asked.at(-1)).toBe('runner-2');
    expect([router.parked, router.inflight]).toEqual([0, 0]);
  });

  it('holds a command of a tenant that is drained until the shard serves it again', async () => {
    let left = 3;
    answers.set('runner-1', () => (left-- > 0 ? draining() : done));
    expect(await router.route(command)).toEqual(done);
    expect(asked.length).toBe(4);
  });

  it('waits for the placement a shard speaks of, and asks no one before', async () => {
    answers.set('runner-1', moved(3));
    const routed = router.route(command);
    await eventually(() => router.parked === 1, { what: 'the command to be held' });
    place('runner-1', 2);
    await eventually(() => placement.current()?.revision === 2, { what: 'the placement in between to be applied' });
    expect([router.parked, asked]).toEqual([1, ['runner-1']]);
    place('runner-2', 3);
    expect(await routed).toEqual(done);
    expect(asked).toEqual(['runner-1', 'runner-2']);
  });

  it('asks the same shard again when the tenant came back to it', async () => {
    let left = 2;
    answers.set('runner-1', () => (left-- > 0 ? moved(1)() : done));
    expect(await router.route(command)).toEqual(done);
  });

  it('asks again after a shard that does not listen', async () => {
    await servers[0]?.destroy();
    const routed = router.route(command);
    await eventually(() => router.parked === 1, { what: 'the command to be held' });
    place('runner-2', 2);
    expect(await routed).toEqual(done);
  });

  it('gives a command back when its time is over, and when its caller is gone', async () => {
    await reopen({ maxParkedMs: 60 });
    answers.set('runner-1', draining);
    await expect(router.route(command)).rejects.toMatchObject({ status: 503, code: 'unavailable', details: { reason: 'tenant_draining' } });
    const before = asked.length;
    await expect(router.route({ ...command, closed: () => true })).rejects.toMatchObject({ status: 503 });
    expect(asked.length).toBe(before + 1);
  });

  it('holds a bounded number of commands', async () => {
    await reopen({ maxParked: 2, maxParkedMs: 300 });
    answers.set('runner-1', draining);
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => router.route(command)));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Problem).code : 'done'));
    expect(codes.filter((code) => code === 'overloaded').length).toBeGreaterThanOrEqual(2);
    expect(codes).toContain('unavailable');
  });

  it('knows no tenant that its placement does not know', async () => {
    await expect(router.route({ ...command, tenant: 'nobody' })).rejects.toMatchObject({ status: 404, code: 'tenant_unknown' });
    await expect(router.route({ ...command, kind: 'aggregate' })).rejects.toMatchObject({ status: 404 });
    board = new PlacementBoard();
    await reopen({});
    await expect(router.route(command)).rejects.toMatchObject({ status: 503, code: 'unavailable' });
  });
});

describe('applied placement', () => {
  it('lags by what the knob says, and says so', async () => {
    lagMs = 60;
    place('runner-2', 4);
    expect([placement.current()?.revision, placement.lag()]).toEqual([1, 3]);
    await placement.change(1000);
    expect([placement.current()?.revision, placement.lag()]).toEqual([4, 0]);
  });

  it('is on the disk after its stop and never goes back', async () => {
    place('runner-2', 5);
    const file = join(mkdtempSync(join(tmpdir(), 'router-')), 'placement.json');
    const options = { file, lagMs: () => 0, onSaveError: () => undefined };
    const first = await AppliedPlacement.open({ feed: board, ...options });
    await first.stop();
    const feed = new PlacementBoard();
    const second = await AppliedPlacement.open({ feed, ...options });
    expect([second.current()?.revision, second.current()?.shardOf('runner', 'acme')]).toEqual([5, 'runner-2']);
    expect(second.current()?.shard('runner', 'runner-2')?.endpoints[0]?.url).toBe(urls['runner-2']);
    const older = { shards: [], maps: { aggregate: new Map(), projection: new Map(), runner: new Map() } };
    feed.show(placementOf({ epoch: 1, revision: 4, ...older }));
    expect(second.current()?.revision).toBe(5);
    feed.show(placementOf({ epoch: 2, revision: 1, ...older }));
    expect([second.current()?.epoch, second.current()?.revision]).toEqual([2, 1]);
    await second.stop();
  });
});
