/** Looking at a shard with all its tenants. */
import { FairleadError, type PlacedKind, type placementV1, type provisionerV1, type ServiceKind } from '@fairlead/contracts';
import { findOpenJobOn } from '../store/jobs.js';
import type { JobClients, KindDependencies } from './clients.js';
import { withinOneLook } from './one-look.js';
import { readStates, type Seat } from './tenants.js';

/** Tenants of a shard that one job stops or lets go on, at most: a plan names all of them. */
export const maxOnShard = 2_000;
/** Tenants of one answer. */
const pageSize = 1_000;
/** Tenants that are looked at together. */
const lookAtOnce = 16;

/** A tenant that is placed on a shard; the state is undefined where the shard does not answer. */
export interface ShardTenant {
  readonly tenant: string;
  readonly seat: Seat;
  readonly state: provisionerV1.TenantState | undefined;
}

/** A shard as the jobs that stop it look at it. */
export interface ShardInputs {
  readonly shard: placementV1.Shard;
  /** In id order; those beyond `maxOnShard` are not looked at. */
  readonly tenants: readonly ShardTenant[];
  readonly more: boolean;
  /** A job that is on one of the tenants. */
  readonly openJobId: string | undefined;
}

/** Reads a shard with its tenants and the state of each; throws shard_not_found. */
export async function readShard(deps: KindDependencies, kind: ServiceKind, shardId: string): Promise<ShardInputs> {
  const { shard } = await deps.placement.getShard({ kind, shardId });
  if (shard === undefined) throw new FairleadError('shard_not_found', `There is no ${kind} shard ${shardId}`);
  return readShardInputs(deps, shard);
}

/** The same of a shard that is known. */
export async function readShardInputs(deps: KindDependencies, shard: placementV1.Shard): Promise<ShardInputs> {
  const all = await seatsOn(deps, shard.kind as ServiceKind, shard.shardId);
  const seats = all.slice(0, maxOnShard);
  const once = withinOneLook(deps);
  const tenants: ShardTenant[] = [];
  for (let from = 0; from < seats.length; from += lookAtOnce)
    tenants.push(
      ...(await Promise.all(
        seats.slice(from, from + lookAtOnce).map(async ({ tenant, seat }) => {
          const [state] = await readStates(once, tenant, [seat]);
          return { tenant, seat, state };
        }),
      )),
    );
  const resources = seats.map(({ tenant }) => `tenant/${tenant}`);
  const openJobId = resources.length === 0 ? undefined : await findOpenJobOn(deps.sql, resources);
  return { shard, tenants, more: all.length > seats.length, openJobId };
}

/** Who placement says is on a shard, in id order; one more than `maxOnShard` at most. Nobody is placed on a gateway. */
export async function seatsOn({ placement }: JobClients, kind: ServiceKind, shardId: string): Promise<{ tenant: string; seat: Seat }[]> {
  if (kind === 'gateway') return [];
  const found: { tenant: string; seat: Seat }[] = [];
  let after = '';
  do {
    const page = await placement.listTenants({ limit: pageSize, after, kind, shardId });
    for (const { tenantId, assignments } of page.tenants) found.push({ tenant: tenantId, seat: seatOf(kind, shardId, assignments) });
    after = page.nextAfter;
  } while (after !== '' && found.length <= maxOnShard);
  return found.slice(0, maxOnShard + 1);
}

function seatOf(kind: PlacedKind, shardId: string, assignments: readonly placementV1.Assignment[]): Seat {
  return { kind, shardId, revision: assignments.find((assignment) => assignment.kind === kind)?.revision ?? 0 };
}
