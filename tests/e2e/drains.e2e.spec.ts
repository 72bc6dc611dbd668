/** A shard is drained under load: its tenants wait where they are and lose nothing, and a cancel lets them go on. */
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
  shard_id: string;
  state: string;
  tenants: number;
}

const reason = 'a new kernel';
const shardState = async (shard: string) => {
  const { body } = await world.ann.get<{ items: ShardEntry[] }>('/admin/v1/shards?kind=runner');
  return body.items.find(({ shard_id: id }) => id === shard)?.state;
};

async function tenantsOn(shard: string): Promise<string[]> {
  const { body } = await world.ann.get<{ items: { tenant_id: string }[] }>(`/admin/v1/tenants?kind=runner&shard_id=${shard}&limit=200`);
  return body.items.map(({ tenant_id: id }) => id);
}

const statesOn = async (shard: string) => [
  ...new Set(await Promise.all((await tenantsOn(shard)).map((tenant) => world.stateOn('runner', shard, tenant)))),
];

function plan(kind: string, body: Record<string, unknown>): Promise<Plan> {
  return eventually(
    async () => {
      const answer = await world.ann.post<Plan>(`/admin/v1/plan/${kind}`, { reason, ...body });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    { timeoutMs: 30_000, what: 'a plan' },
  );
}

async function start(kind: string, body: Record<string, unknown>): Promise<string> {
  const { digest, checks } = await plan(kind, body);
  expect(checks.filter(({ verdict }) => verdict === 'block')).toEqual([]);
  const answer = await world.ann.post<{ job_id: string }>(`/admin/v1/jobs/${kind}`, { plan_digest: digest, reason });
  expect(answer).toMatchObject({ status: 202 });
  return answer.body.job_id;
}

async function succeeds(kind: string, body: Record<string, unknown>): Promise<void> {
  const job = await world.ann.ended(await start(kind, body), 120_000);
  expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
}

const shard = { kind: 'runner', shard: 'runner-1' };

describe('a drain of a shard', () => {
  it('stops its tenants where they are until it is resumed, while the others are served, and nothing is lost', async () => {
    const here = await tenantsOn('runner-1');
    const [other = ''] = await tenantsOn('runner-2');
    expect(here.length).toBeGreaterThan(0);
    await succeeds('shard-drain', shard);
    expect([await shardState('runner-1'), await statesOn('runner-1')]).toEqual(['cordoned', ['drained']]);
    expect(await tenantsOn('runner-1')).toEqual(here);
    await world.served(other);
    expect((await plan('shard-drain', shard)).checks).toContainEqual(
      expect.objectContaining({ name: 'something_to_do', verdict: 'block' }),
    );

    await succeeds('shard-resume', shard);
    expect([await shardState('runner-1'), await statesOn('runner-1')]).toEqual(['active', ['active']]);
    await world.served(here[0] ?? '');
    await world.exact();
  }, 240_000);

  it('is taken back by a cancel, but for whom somebody else had stopped', async () => {
    const [before = '', ...rest] = await tenantsOn('runner-1');
    expect(rest.length).toBeGreaterThan(1);
    await succeeds('tenant-drain', { tenant: before, kinds: ['runner'] });
    const pause = world.pauseAtPoint('job.tenant-drain.drain.before_attempt');
    const jobId = await start('shard-drain', { ...shard, parallel: 1 });
    try {
      await pause.reached();
      // One is drained, and the next about to be.
      pause.next();
      await pause.reached();
      expect((await statesOn('runner-1')).sort()).toEqual(['active', 'drained']);
      expect(await shardState('runner-1')).toBe('cordoned');
      expect((await world.ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' })).status).toBeLessThan(300);
    } finally {
      pause.release();
    }
    expect((await world.ann.ended(jobId, 120_000)).status).toBe('cancelled');
    expect(await shardState('runner-1')).toBe('active');
    for (const tenant of rest) expect(await world.stateOn('runner', 'runner-1', tenant)).toBe('active');
    expect(await world.stateOn('runner', 'runner-1', before)).toBe('drained');
    await succeeds('shard-resume', shard);
    expect(await statesOn('runner-1')).toEqual(['active']);
    await world.exact();
  }, 240_000);
});

describe('a drain of a node', () => {
  const node = { node: 'host-3' };
  const entries = async () =>
    (
      await world.ann.get<{ items: (ShardEntry & { kind: string; endpoints: unknown[]; labels: Record<string, string> })[] }>(
        '/admin/v1/shards',
      )
    ).body.items;
  const ofNode = async () => (await entries()).filter(({ labels }) => labels['node'] === 'host-3');

  it('drains and resumes its shards of every kind, and nothing is lost', async () => {
    for (const { kind, shard_id: id, endpoints, labels } of await entries())
      if (id === 'runner-1' || id === 'projection-1') {
        const put = await world.ann.put(`/admin/v1/shards/${kind}/${id}`, { endpoints, labels: { ...labels, ...node } });
        expect(put).toMatchObject({ status: 200 });
      }
    await succeeds('node-drain', node);
    expect((await ofNode()).map(({ shard_id: id, state }) => [id, state]).sort()).toEqual([
      ['projection-1', 'cordoned'],
      ['runner-1', 'cordoned'],
    ]);
    expect(await statesOn('runner-1')).toEqual(['drained']);
    await succeeds('node-resume', node);
    expect((await ofNode()).map(({ state }) => state)).toEqual(['active', 'active']);
    expect(await statesOn('runner-1')).toEqual(['active']);
    await world.exact();
  }, 240_000);

  it('is taken back by a cancel while its shards are being drained', async () => {
    const pause = world.pauseAtPoint('job.shard-drain.drain.before_attempt');
    const jobId = await start('node-drain', node);
    try {
      await pause.reached();
      expect((await world.ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' })).status).toBeLessThan(300);
    } finally {
      pause.release();
    }
    expect((await world.ann.ended(jobId, 120_000)).status).toBe('cancelled');
    expect((await ofNode()).map(({ state }) => state)).toEqual(['active', 'active']);
    expect(await statesOn('runner-1')).toEqual(['active']);
    await world.exact();
  }, 240_000);

  it('is blocked for a node that no shard is on', async () => {
    expect((await plan('node-drain', { node: 'nowhere' })).checks).toContainEqual(
      expect.objectContaining({ name: 'node_has_shards', verdict: 'block' }),
    );
  });
});
