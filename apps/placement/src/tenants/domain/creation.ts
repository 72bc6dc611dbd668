import { FairleadError, placedKinds, type PlacedKind } from '@fairlead/contracts';
import { pickShard, type Candidate } from './balance.js';
import { takesTenants } from './shards.js';

/** kind → shard id. */
export type Placement = Record<PlacedKind, string>;
export type RequestedPlacement = Partial<Placement>;

/**
 * Decides where a new tenant goes: where it was asked for, else on the shard with the most room. Throws
 * shard_not_found when there is none, invalid_argument when the one asked for takes no tenants.
 */
export function placeTenant(requested: RequestedPlacement, candidates: readonly Candidate[]): Placement {
  const shardFor = (kind: PlacedKind): string => {
    const ofKind = candidates.filter((candidate) => candidate.kind === kind);
    const wanted = requested[kind];
    const chosen = wanted === undefined ? pickShard(ofKind) : ofKind.find(({ shardId }) => shardId === wanted);
    if (chosen === undefined) {
      const message =
        wanted === undefined ? `There is no active ${kind} shard that has an endpoint` : `There is no ${kind} shard ${wanted}`;
      throw new FairleadError('shard_not_found', message, { details: { kind, ...(wanted === undefined ? {} : { shard_id: wanted }) } });
    }
    if (chosen.state !== 'active')
      throw new FairleadError('invalid_argument', `The ${kind} shard ${chosen.shardId} is cordoned: it takes no new tenants`);
    if (!takesTenants(chosen))
      throw new FairleadError('invalid_argument', `The ${kind} shard ${chosen.shardId} has no endpoint: it takes no tenants`);
    return chosen.shardId;
  };
  return { aggregate: shardFor('aggregate'), projection: shardFor('projection'), runner: shardFor('runner') };
}

/** True when a tenant's first registration asked for the same as a repeat of it. */
export function sameRegistration(
  first: { name: string; requested: RequestedPlacement },
  repeat: { name: string; requested: RequestedPlacement },
): boolean {
  return first.name === repeat.name && placedKinds.every((kind) => first.requested[kind] === repeat.requested[kind]);
}
