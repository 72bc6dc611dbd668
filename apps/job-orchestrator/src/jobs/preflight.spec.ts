import { describe, expect, it } from '@jest/globals';
import type { Check, JobKind, StepContext } from '../engine/kind.js';
import { step, toyKind, type Toy } from '../engine/toy.fixture.js';
import { placementPublished } from './checks.js';
import { preflight } from './preflight.js';

const away: Check = { name: 'runner.target_ready', verdict: 'block', value: 'not ready', limit: 'ready', message: 'it is away' };
const ill: Check = { name: 'runner.origin_state', verdict: 'block', value: 'sealed', limit: 'active', message: 'it is sealed' };

function look(checks: Check[], parts: Partial<JobKind> = {}, more: Partial<StepContext<Toy>> = {}) {
  const toy = toyKind([step('one')]);
  const plan = () => ({ actions: [], checks, impact: { tenants: [], services: [], expectedPauseMs: 0 }, inputs: [] });
  const kind: JobKind = { ...toy, plan, ...parts };
  const context = {
    plan: plan(),
    params: { tenant: 'acme' },
    principal: { id: 'u', name: 'u', grants: [kind.permission] },
    outputs: {},
    runningMs: 0,
    ...more,
  };
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

  it('waits for a shard that is not well, and not for ever', async () => {
    const first = await look([away, placementPublished('NATS is not connected')], {}, { runningMs: 50_000 });
    expect(first).toMatchObject({ outcome: 'wait', output: { target_away_since_ms: 50_000 } });
    const outputs = { preflight: (first as { output: Record<string, unknown> }).output };
    expect(await look([away], {}, { runningMs: 79_999, outputs })).toMatchObject({ outcome: 'wait', output: outputs.preflight });
    expect(await look([], {}, { runningMs: 79_999, outputs })).toMatchObject({ outcome: 'done' });
    await expect(look([away], {}, { runningMs: 80_000, outputs })).rejects.toMatchObject({ code: 'plan_blocked' });
    await expect(look([away, ill])).rejects.toMatchObject({ code: 'plan_blocked' });
  });

  it('refuses what blocks for another reason', async () => {
    await expect(look([ill])).rejects.toMatchObject({ code: 'plan_blocked' });
    await expect(look([ill, placementPublished('NATS is not connected')])).rejects.toMatchObject({ code: 'plan_blocked' });
  });
});
