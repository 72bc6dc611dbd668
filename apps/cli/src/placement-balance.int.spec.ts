import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage();
});

afterEach(() => stage.stop());

const balance = {
  ...{ kind: 'runner', revision: 12, epoch: 1, ratio_before: 1.5, ratio_after: 1.0499999 },
  moves: [{ tenant_id: 'acme', from: 'runner-1', to: 'runner-2', load: 2, why: 'over_limit' }],
  shards: [
    {
      ...{ shard_id: 'runner-1', tenants_before: 3, tenants_after: 2, load_before: 6, load_after: 4, ratio_before: 1.5, ratio_after: 1 },
      left_over: { reason: 'cooldown', message: 'tenants here have moved a short while ago' },
    },
  ],
};

describe('fairlead placement', () => {
  it('shows what would move, as it is asked for', async () => {
    stage.gateway.on('GET /admin/v1/placement/rebalance', { body: balance });
    const options = ['--mode', 'empty', '--shard', 'runner-1', '--tolerance', '0.1', '--moves', '7', '--unhealthy', 'runner-3,runner-4'];
    const { exitCode, out } = await stage.run(['placement', 'rebalance', 'runner', ...options]);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toMatch(/ratio +1\.5 before, 1\.05 after/);
    expect(out).toMatch(/acme +runner-1 +runner-2 +2 +over_limit/);
    expect(out).toMatch(/runner-1 +3 > 2 +6 > 4 +1\.5 > 1 +tenants here have moved/);
    expect(Object.fromEntries(stage.gateway.seen[0]?.query ?? [])).toEqual({
      ...{ kind: 'runner', mode: 'empty', shard: 'runner-1', tolerance: '0.1', move_budget: '7', unhealthy: 'runner-3,runner-4' },
    });
    expect(JSON.parse((await stage.run(['placement', 'rebalance', 'runner', '-o', 'json'])).out)).toEqual(balance);
  });

  it('shows what would become of a shard’s tenants, and why one is where it is', async () => {
    stage.gateway.on('GET /admin/v1/placement/what-if', { body: { ...balance, moves: [], stranded: ['umbrella', 'initech'] } });
    const { out } = await stage.run(['placement', 'what-if', 'runner', 'runner-1']);
    expect(out).toMatch(/stranded +umbrella initech/);
    expect(Object.fromEntries(stage.gateway.seen[0]?.query ?? [])).toEqual({ kind: 'runner', shard: 'runner-1' });
    const at = '2026-11-21T10:00:00.000Z';
    stage.gateway.on('GET /admin/v1/placement/explain', {
      body: {
        ...{ tenant_id: 'acme', kind: 'runner', revision: 1, shard: 'runner-2', because: 'moved', since: at, reason: 'more room' },
        ...{ moves: [{ from: 'runner-1', to: 'runner-2', moved_at: at, reason: 'more room' }], shard_ratio: 1.02, load: 3, pinned: true },
      },
    });
    const told = await stage.run(['placement', 'explain', 'acme', 'runner']);
    expect(told.out).toMatch(/because +moved\n/);
    expect(told.out).toMatch(/2026-11-21T10:00:00.000Z +runner-1 +runner-2 +more room/);
  });

  it('shows what balancing heeds of a tenant, and changes what is named from what it has read', async () => {
    const now = { tenant_id: 'acme', load: 1, pinned: ['runner'], anti_affinity: 'ha', revision: 9 };
    stage.gateway.on('GET /admin/v1/placement/tenants/acme', { body: now });
    stage.gateway.on('PUT /admin/v1/placement/tenants/acme', ({ body }) => ({ body: { ...now, ...body, revision: 10 } }));
    expect((await stage.run(['placement', 'tenant', 'acme'])).out).toMatch(/group +ha\n/);
    const put = () => stage.gateway.of('PUT /admin/v1/placement/tenants/acme').at(-1);
    expect(put()).toBeUndefined();
    expect((await stage.run(['placement', 'tenant', 'acme', '--load', '2.5'])).out).toMatch(/load +2\.5\n/);
    expect([put()?.body, put()?.headers['if-match']]).toEqual([{ load: 2.5, pinned: ['runner'], anti_affinity: 'ha' }, '"9"']);
    await stage.run(['placement', 'tenant', 'acme', '--unpin', '--no-group']);
    expect(put()?.body).toEqual({ load: 1, pinned: [], anti_affinity: null });
    await stage.run(['placement', 'tenant', 'acme', '--pin', 'runner,projection', '--group', 'db']);
    expect(put()?.body).toEqual({ load: 1, pinned: ['runner', 'projection'], anti_affinity: 'db' });
    stage.gateway.on('PUT /admin/v1/placement/tenants/acme', problem(412, 'revision_mismatch', 'somebody was faster'));
    expect((await stage.run(['placement', 'tenant', 'acme', '--load', '3'])).exitCode).not.toBe(exitCodes.ok);
  });
});
