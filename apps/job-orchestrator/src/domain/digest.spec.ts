import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PlanDraft } from '../engine/kind.js';
import { canonicalPlan, digestOf } from './digest.js';

const draft: PlanDraft = {
  actions: [{ name: 'drain', description: 'stop', kind: 'runner', fromShardId: 'runner-1', toShardId: 'runner-2' }],
  checks: [{ name: 'lag', verdict: 'pass', value: '3', limit: '≤ 100', message: 'fine' }],
  impact: { tenants: ['acme'], services: ['runner/runner-1'], expectedPauseMs: 350 },
  inputs: [{ resource: 'placement/acme/runner', revision: 7 }],
};
const digest = (params: unknown, plan: PlanDraft) => digestOf(canonicalPlan('tenant-migrate', 1, params, plan));

describe('the digest of a plan', () => {
  it('is the same whatever was measured and however the parameters are ordered', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, message) => {
        const measured = { ...draft, checks: draft.checks.map((check) => ({ ...check, value, message })) };
        expect(digest({ tenant: 'acme', moves: { runner: 'runner-2' } }, measured)).toBe(
          digest({ moves: { runner: 'runner-2' }, tenant: 'acme' }, draft),
        );
      }),
    );
  });

  it('is another when an input, a verdict, an action or a parameter differs', () => {
    const digests = [
      digest({}, draft),
      digest({}, { ...draft, inputs: [{ resource: 'placement/acme/runner', revision: 8 }] }),
      digest({}, { ...draft, checks: draft.checks.map((check) => ({ ...check, verdict: 'warn' as const })) }),
      digest({}, { ...draft, actions: [] }),
      digest({ tenant: 'acme' }, draft),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});
