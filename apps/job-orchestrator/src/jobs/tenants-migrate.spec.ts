import { describe, expect, it } from '@jest/globals';
import type { Check, PlanDraft } from '../engine/kind.js';
import { placementPublished } from './checks.js';
import { planTenants } from './tenants-migrate.js';

const check = (verdict: Check['verdict'], message: string): Check => ({
  name: 'runner.target_ready',
  verdict,
  value: '',
  limit: '',
  message,
});

function planned(tenant: string, checks: Check[], publicationProblem = ''): { tenant: string; draft: PlanDraft } {
  const draft = {
    actions: [{ name: 'hand-over', description: '', kind: 'runner', fromShardId: 'runner-1', toShardId: 'runner-2' }],
    checks: [...checks, placementPublished(publicationProblem)],
    impact: { tenants: [tenant], services: ['runner/runner-2', 'runner/runner-1'], expectedPauseMs: 400 },
    inputs: [
      { resource: `placement/${tenant}/runner`, revision: 7 },
      { resource: 'shard/runner/runner-2', revision: 5 },
    ],
  };
  return { tenant, draft };
}

describe('the plan to move many tenants', () => {
  it('moves each, rests on what each rests on, and passes', () => {
    const plan = planTenants([planned('acme', []), planned('duff', [])]);
    expect(plan.actions.map(({ description }) => description)).toEqual(['move acme: runner to runner-2', 'move duff: runner to runner-2']);
    expect(plan.checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['placement_published', 'pass'],
      ['tenants_can_move', 'pass'],
      ['tenants_without_warning', 'pass'],
    ]);
    expect(plan.impact).toEqual({ tenants: ['acme', 'duff'], services: ['runner/runner-1', 'runner/runner-2'], expectedPauseMs: 400 });
    expect(plan.inputs.map(({ resource }) => resource)).toEqual([
      'placement/acme/runner',
      'shard/runner/runner-2',
      'placement/duff/runner',
    ]);
  });

  it('tells whom a check blocks, and of whom one warns', () => {
    const plan = planTenants([planned('acme', [check('block', 'not ready')]), planned('duff', [check('warn', 'slow')]), planned('ok', [])]);
    expect(plan.checks.slice(1)).toMatchObject([
      { name: 'tenants_can_move', verdict: 'block', value: '2 of 3', message: '1 of 3: acme: not ready' },
      { name: 'tenants_without_warning', verdict: 'warn', value: '2 of 3', message: '1 of 3: duff: slow' },
    ]);
  });

  it('tells by a check of its own that changes reach no gateway, which passes: the job waits for that', () => {
    const plan = planTenants([planned('acme', [], 'NATS is away'), planned('duff', [], 'NATS is away')]);
    expect(plan.checks).toMatchObject([
      { name: 'placement_published', verdict: 'block', value: 'NATS is away' },
      { name: 'tenants_can_move', verdict: 'pass' },
      { name: 'tenants_without_warning', verdict: 'pass' },
    ]);
  });
});
