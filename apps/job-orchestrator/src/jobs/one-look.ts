import { FairleadError } from '@fairlead/contracts';
import { CallFailed } from '@fairlead/rpc';
import type { KindDependencies } from './clients.js';

/** The shard did not answer the provisioner. A provisioner that does not answer us says nothing about the shard. */
export function isSilentShard(error: unknown): boolean {
  return (
    !(error instanceof CallFailed) && error instanceof FairleadError && (error.kind === 'unavailable' || error.kind === 'deadline_exceeded')
  );
}

/**
 * The same dependencies for one look at many tenants: what is the same for all of them is asked once, and a shard that did not answer for one
 * tenant is not waited for again for each of the others. For reading a plan's inputs only: nothing is asked anew.
 */
export function withinOneLook(deps: KindDependencies): KindDependencies {
  const silent = new Map<string, unknown>();
  const { placement, fleet, provisioner } = deps;
  return {
    ...deps,
    placement: { ...placement, getShard: once(placement.getShard, ({ kind, shardId }) => `${kind}/${shardId}`) },
    fleet: {
      ...fleet,
      checkShard: once(fleet.checkShard, ({ kind, shardId }) => `${kind}/${shardId}`),
      getAppliedPlacement: once(fleet.getAppliedPlacement, () => ''),
    },
    provisioner: {
      ...provisioner,
      getTenantState: async (request, options) => {
        const shard = `${request.target?.kind ?? ''}/${request.target?.shardId ?? ''}`;
        if (silent.has(shard)) throw silent.get(shard);
        try {
          return await provisioner.getTenantState(request, options);
        } catch (error) {
          if (isSilentShard(error)) silent.set(shard, error);
          throw error;
        }
      },
    },
  };
}

/** Asks once for each key; who asks again gets the same answer, or the same error. */
function once<Request, Options, Answer>(
  ask: (request: Request, options?: Options) => Promise<Answer>,
  keyOf: (request: Request) => string,
): (request: Request, options?: Options) => Promise<Answer> {
  const asked = new Map<string, Promise<Answer>>();
  return (request, options) => {
    const key = keyOf(request);
    const answer = asked.get(key) ?? ask(request, options);
    asked.set(key, answer);
    return answer;
  };
}
