import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { requestHash, shardCommand, tenantCommand, type CommandContext, type TenantOnShard } from './command.js';

const name = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const target: fc.Arbitrary<TenantOnShard> = fc.record({
  tenantId: name,
  kind: fc.constantFrom('aggregate', 'projection', 'runner'),
  shardId: name,
});
const context: fc.Arbitrary<CommandContext> = fc.record({ idempotencyKey: name, fence: fc.integer({ min: 1 }), reason: fc.string() });

describe('requestHash', () => {
  it('is the same for a request under any key, fence, reason and order of its fields', () => {
    fc.assert(
      fc.property(target, context, context, fc.nat(), (tenant, one, other, revision) => {
        const command = tenantCommand('drop_copy', tenant, one, { moved_revision: revision });
        const turned = { ...tenantCommand('drop_copy', tenant, other), request: { moved_revision: revision, ...command.request } };
        expect(requestHash(turned)).toBe(requestHash(command));
      }),
    );
  });

  it('differs when anything that is asked differs', () => {
    const request = fc.tuple(fc.constantFrom('drain' as const, 'resume' as const, 'hand_over' as const), target, fc.nat(3));
    fc.assert(
      fc.property(request, request, context, (one, other, under) => {
        const hash = ([operation, tenant, more]: typeof one) =>
          requestHash(tenantCommand(operation, tenant, under, { moved_revision: more }));
        expect(hash(one) === hash(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });
});

describe('resources', () => {
  const under = { idempotencyKey: 'job_1:drain', fence: 1, reason: 'r' };

  it('are one per tenant and kind, wherever the tenant is, so that one fence covers a move', () => {
    const at = (shardId: string) => tenantCommand('drain', { tenantId: 't-1', kind: 'runner', shardId }, under).resource;
    expect([at('r-1'), at('r-2')]).toEqual(['tenant/t-1/runner', 'tenant/t-1/runner']);
    expect(shardCommand('reload', { kind: 'gateway', shardId: 'g-1' }, under).resource).toBe('shard/gateway/g-1');
  });
});
