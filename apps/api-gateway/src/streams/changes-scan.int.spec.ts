// Real: Postgres with a log of 20,000 events, NATS, the gateway's HTTP server.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesPath, roles } from '@fairlead/contracts';
import type { RunningService } from '@fairlead/service-runtime';
import { eventually } from '@fairlead/testing';
import { startChangeStage, type ChangeStage } from '../testing/changes.js';

const events = 20_000;
/** The one event of the tenant that is looked for. */
const needle = 15_000;
let stage: ChangeStage;
/** Started when the log was full: it has none of it in memory. */
let gateway: RunningService;

beforeAll(async () => {
  stage = await startChangeStage();
  const tenant = `case n when ${needle} then 'needle' else 'acme' end`;
  await stage.fill(events, 'job_started', `jsonb_build_object('replica', 'r', 'fence', n, 'tenant_id', ${tenant})`);
  gateway = await stage.gateway.another();
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await stage.stop();
});

/** Reads to the end of the log, page by page; answers the positions that came. */
async function readAll(query: string, token: string): Promise<number[]> {
  const found: number[] = [];
  for (let cursor = '0'; Number.parseInt(cursor, 10) < events;) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${gateway.httpUrl}${changesPath}?cursor=${cursor}${query}`, { headers });
    expect(response.status).toBe(200);
    const { items, ...body } = (await response.json()) as { items: { position: number }[]; cursor: string; more: boolean };
    found.push(...items.map(({ position }) => position));
    // Each answer brings its reader on: nobody asks for the same part twice.
    expect(Number.parseInt(body.cursor, 10)).toBeGreaterThan(Number.parseInt(cursor, 10));
    expect(body.more).toBe(Number.parseInt(body.cursor, 10) < events);
    ({ cursor } = body);
  }
  return found;
}

describe('a filter that hardly anything matches', () => {
  it.each(['&types=shard.*', '&tenant=nobody'])(
    'brings nothing, and its reader to the end: %s',
    async (query) => {
      expect(await readAll(query, stage.reader(roles.viewer))).toEqual([]);
    },
    60_000,
  );

  it('finds the one that matches', async () => {
    expect(await readAll('&tenant=needle', stage.reader(roles.viewer))).toEqual([needle]);
    expect(await readAll('', stage.reader(roles.viewer, { scope: { tenants: ['needle'] } }))).toEqual([needle]);
  }, 60_000);

  it('lets a stream through to the end, told by heartbeats', async () => {
    const token = stage.reader(roles.viewer, { scope: { tenants: ['needle'] } });
    const stream = await stage.stream('?cursor=0', { token, url: gateway.httpUrl });
    await eventually(() => stream.seen.some(({ id }) => Number.parseInt(id, 10) >= events), { timeoutMs: 30_000, what: 'the end' });
    expect(stream.changes().map(({ position }) => position)).toEqual([needle]);
    stream.close();
  }, 60_000);
});
