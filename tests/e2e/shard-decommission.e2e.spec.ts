/** A shard is taken out of service under load: its tenants go elsewhere, it leaves the directory, and a cancel opens it again. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@fairlead/testing';
import { Disturbed } from './support/disturbed.js';
import type { Plan } from './support/operator.js';

let world: Disturbed;

beforeAll(async () => {
  world = await Disturbed.start({ SIM_TENANTS: '12', SIM_SHARDS: '3' });
}, 240_000);

afterAll(async () => {
  await world.stack.stop();
}, 60_000);

interface ShardEntry {
  kind: string;
  shard_id: string;
  state: string;
  tenants: number;
}

const shards = async () => (await world.ann.get<{ items: ShardEntry[] }>('/admin/v1/shards?kind=runner')).body.items;
const entry = async (id: string) => (await shards()).find(({ shard_id: other }) => other === id);

function plan(body: Record<string, unknown>): Promise<Plan> {
  return eventually(
    async () => {
      const answer = await world.ann.post<Plan>('/admin/v1/plan/shard-decommission', { kind: 'runner', reason: 'the rack goes', ...body });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    { timeoutMs: 30_000, what: 'a plan' },
  );
}

async function start({ digest, checks }: Plan): Promise<string> {
  expect(checks.filter(({ verdict }) => verdict === 'block')).toEqual([]);
  const path = '/admin/v1/jobs/shard-decommission';
  const { status, body } = await world.ann.post<{ job_id: string }>(path, { plan_digest: digest, reason: 'the rack goes' });
  expect({ status, body }).toMatchObject({ status: 202 });
  return body.job_id;
}

describe('a decommission', () => {
  it('is taken back by a cancel: the shard is open again', async () => {
    const pause = world.pauseAt('drain');
    const jobId = await start(await plan({ shard: 'runner-1', parallel: 1 }));
    try {
      await pause.reached();
      expect(await entry('runner-1')).toMatchObject({ state: 'cordoned' });
      expect((await world.ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' })).status).toBeLessThan(300);
    } finally {
      pause.release();
    }
    expect((await world.ann.ended(jobId, 120_000)).status).toBe('cancelled');
    expect(await entry('runner-1')).toMatchObject({ state: 'active' });
  }, 180_000);

  it('leaves nobody behind, and nothing of the shard in the directory and at the gateways', async () => {
    const job = await world.ann.ended(await start(await plan({ shard: 'runner-2', to: 'runner-3' })), 120_000);
    expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
    expect((await shards()).map(({ shard_id: id }) => id)).toEqual(['runner-1', 'runner-3']);
    expect((await shards()).reduce((sum, { tenants }) => sum + tenants, 0)).toBe(12);
    await world.gatewaysFollow();
    await world.exact();
  }, 180_000);

  it('is blocked where somebody has to stay', async () => {
    const tenant = world.nextTenant();
    expect((await world.ann.put(`/admin/v1/placement/tenants/${tenant}`, { load: 1, pinned: ['runner'] })).status).toBe(200);
    const where = (await world.ann.placementOf(tenant))['runner'] ?? '';
    const blocked = await plan({ shard: where });
    expect(blocked.checks).toContainEqual(expect.objectContaining({ name: 'shard_can_be_emptied', verdict: 'block' }));
    const refused = await world.ann.post('/admin/v1/jobs/shard-decommission', { plan_digest: blocked.digest, reason: 'all the same' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'plan_blocked' } });
  }, 60_000);
});
