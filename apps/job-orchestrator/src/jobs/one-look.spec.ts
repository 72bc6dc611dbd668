import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { CallFailed } from '@fairlead/rpc';
import type { KindDependencies } from './clients.js';
import { withinOneLook } from './one-look.js';

/** Dependencies that note what they are asked. */
function world(stateOf: (shard: string) => unknown = () => ({ state: undefined })) {
  const asked: string[] = [];
  const note = (name: string, answer: (request: { kind?: string; shardId?: string }) => unknown) => (request: object) => {
    asked.push(`${name} ${Object.values(request).join('/')}`.trim());
    return Promise.resolve().then(() => answer(request));
  };
  const deps = {
    placement: { getShard: note('shard', ({ shardId }) => ({ shard: { shardId } })) },
    fleet: { checkShard: note('check', () => ({ endpoints: [] })), getAppliedPlacement: note('applied', () => ({ gateways: [] })) },
    provisioner: {
      getTenantState: ({ target }: { target: { tenantId: string; shardId: string } }) => {
        asked.push(`state ${target.tenantId}@${target.shardId}`);
        return Promise.resolve().then(() => stateOf(target.shardId));
      },
    },
  };
  return { asked, deps: withinOneLook(deps as unknown as KindDependencies) };
}

const on = (tenantId: string, shardId: string) => ({ target: { tenantId, kind: 'runner', shardId } });
const fail = (error: Error) => () => {
  throw error;
};

describe('one look at many tenants', () => {
  it('asks once what is the same for all of them', async () => {
    const { asked, deps } = world();
    for (const shardId of ['a', 'b', 'a', 'b']) {
      await deps.placement.getShard({ kind: 'runner', shardId });
      await deps.fleet.checkShard({ kind: 'runner', shardId });
      await deps.fleet.getAppliedPlacement({});
    }
    expect(asked.sort()).toEqual(['applied', 'check runner/a', 'check runner/b', 'shard runner/a', 'shard runner/b']);
    expect(await deps.placement.getShard({ kind: 'runner', shardId: 'b' })).toEqual({ shard: { shardId: 'b' } });
  });

  it('asks each tenant of a shard that answers, and no more of one that did not', async () => {
    const silent = new FairleadError('unavailable', 'it does not answer');
    const { asked, deps } = world((shard) => (shard === 'dead' ? fail(silent)() : { state: undefined }));
    for (const tenant of ['t-1', 't-2', 't-3']) {
      await deps.provisioner.getTenantState(on(tenant, 'well'));
      await expect(deps.provisioner.getTenantState(on(tenant, 'dead'))).rejects.toBe(silent);
    }
    expect(asked).toEqual(['state t-1@well', 'state t-1@dead', 'state t-2@well', 'state t-3@well']);
  });

  it('goes on asking when it was the provisioner that failed, or the shard that refused', async () => {
    for (const error of [new CallFailed('unavailable', 'no provisioner'), new FairleadError('invalid_argument', 'no')]) {
      const { asked, deps } = world(fail(error));
      for (const tenant of ['t-1', 't-2']) await expect(deps.provisioner.getTenantState(on(tenant, 's'))).rejects.toBe(error);
      expect(asked).toEqual(['state t-1@s', 'state t-2@s']);
    }
  });
});
