import { describe, expect, it } from '@jest/globals';
import type { Check, JobKind, StepContext } from '../engine/kind.js';
import { step, toyKind, type Toy } from '../engine/toy.fixture.js';
import { placementPublished } from './checks.js';
import { preflight } from './preflight.js';

const ill: Check = { name: 'runner.target_healthy', verdict: 'block', value: 'unhealthy', limit: 'healthy', message: 'it is ill' };

function look(checks: Check[], parts: Partial<JobKind> = {}) {
  const toy = toyKind([step('one')]);
  const plan = () => ({ actions: [], checks, impact: { tenants: [], services: [], expectedPauseMs: 0 }, inputs: [] });
  const kind: JobKind = { ...toy, plan, ...parts };
  const context = { plan: plan(), params: { tenant: 'acme' }, principal: { id: 'u', name: 'u', grants: [kind.permission] } };
  return preflight<Toy>(() => kind as JobKind<Toy>).run(context as unknown as StepContext<Toy>);
}

describe('preflight', () => {
  it('waits while all that blocks is that gateways can not learn of the move at present', async () => {
    expect(await look([placementPublished('')])).toMatchObject({ outcome: 'done' });
    expect(await look([placementPublished('NATS is not connected')])).toMatchObject({
      outcome: 'wait',
      note: expect.stringContaining('NATS is not connected') as unknown,
    });
  });

  it('refuses who may not do what these very parameters need', async () => {
    await expect(look([], { alsoNeeds: () => ['config.routing'] })).rejects.toMatchObject({ code: 'permission_denied' });
    expect(await look([], { alsoNeeds: () => ['tenant.migrate'] })).toMatchObject({ outcome: 'done' });
  });

  it('refuses what blocks for another reason', async () => {
    await expect(look([ill])).rejects.toMatchObject({ code: 'plan_blocked' });
    await expect(look([ill, placementPublished('NATS is not connected')])).rejects.toMatchObject({ code: 'plan_blocked' });
  });
});
