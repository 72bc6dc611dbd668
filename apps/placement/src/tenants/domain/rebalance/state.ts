/** The snapshot while it is planned. Loads are whole numbers of a unit, so that sums are exact in any order. */
import { FairleadError } from '@fairlead/contracts';
import { SliceCounter, type Sliced } from './slices.js';
import type { Goal, ShardLoad, ShardSnapshot, Snapshot, TenantSnapshot } from './types.js';

export interface Shard {
  readonly id: string;
  readonly weight: number;
  /** Takes tenants: active, healthy and not the one that is emptied. */
  readonly target: boolean;
  /** Is to be emptied. */
  readonly leaving: boolean;
  readonly maxLoad: number;
  /** Its share of the mean, with the tolerance. */
  share: number;
  /** Tenants come only up to this load: its share, or what it can carry. */
  limit: number;
  /** Tenants go only above this load: more than the limit where what can't leave is over it alone. */
  allowed: number;
  /** The highest that was ever allowed. */
  highest: number;
  load: number;
  tenants: number;
  readonly groups: Map<string, number>;
}

export interface Tenant {
  readonly id: string;
  readonly load: number;
  readonly home: Shard;
  readonly group: string | undefined;
  readonly pinned: boolean;
  /** The shards that it may be on; undefined for any. */
  readonly only: ReadonlySet<Shard> | undefined;
  readonly cooling: boolean;
  /** It can't move at present. */
  readonly stuck: boolean;
  /** Larger than what any shard may have. */
  giant: boolean;
  at: Shard;
}

/** A step from one shard to another, made or to be made. */
export interface Step {
  readonly tenant: Tenant;
  readonly from: Shard;
  readonly to: Shard;
}

/** Looks at a shard or a tenant that a plan takes at most to make room by exchanges: a count, so that the plan is the same anywhere. */
const maxLooksForRoom = 12_000_000;

export interface State {
  /** By id, as the tenants. */
  readonly shards: readonly Shard[];
  readonly tenants: readonly Tenant[];
  /** The largest first. */
  readonly bySize: readonly Tenant[];
  readonly tolerance: number;
  /** Units of a load of 1. */
  readonly scale: number;
  /** The mean load per weight, in units. */
  readonly mean: number;
  /** All steps, each of them safe when it was made. */
  readonly journal: Step[];
  /** Tenants that went for their group's sake, and shards that tenants of the emptied one went to over the limit. */
  readonly separated: Set<Tenant>;
  readonly spilled: Set<Shard>;
  /** Planning yields when one is over. */
  readonly slices: SliceCounter;
  /** How many looks the plan may still take to make room, in all of its rounds. */
  looksForRoom: number;
}

/** Tenants that may move. */
export const isFree = ({ pinned, cooling, stuck, only, at }: Tenant): boolean =>
  !pinned && !cooling && !stuck && !(only?.size === 1 && only.has(at));

/** Whether a pin lets a tenant be on a shard. */
export const mayBeOn = ({ only }: Tenant, shard: Shard): boolean => only === undefined || only.has(shard);

/** Tenants that are to be elsewhere by their pin, and may go. */
export const isMisplaced = (tenant: Tenant): boolean => isFree(tenant) && !mayBeOn(tenant, tenant.at);

/** Sorts the largest first, then by id. */
export const largestFirst = (a: Tenant, b: Tenant): number => b.load - a.load || byId(a, b);

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Makes the state that planning starts from. Throws invalid_argument or shard_not_found for what does not fit together. */
export function* openState(snapshot: Snapshot, goal: Goal): Sliced<State> {
  const slices = new SliceCounter();
  // What sorting compares, and reading takes.
  const all = snapshot.tenants.length * 16;
  const tolerance = goal.tolerance ?? 0.05;
  check(tolerance >= 0 && Number.isFinite(tolerance), 'the tolerance is a number from 0 on');
  check(goal.moveBudget === undefined || (Number.isInteger(goal.moveBudget) && goal.moveBudget >= 0), 'the move budget is a count');
  check(goal.mode !== 'replace' || goal.shardId !== goal.toShardId, 'a shard takes the place of another one');
  const given = [...snapshot.tenants].sort((a, b) => (a.tenantId < b.tenantId ? -1 : a.tenantId > b.tenantId ? 1 : 0));
  for (const [index, { tenantId, load }] of given.entries()) {
    check(tenantId !== given[index - 1]?.tenantId, `tenant ${tenantId} stands twice`);
    check(load >= 0 && Number.isFinite(load), `the load of tenant ${tenantId} is a number from 0 on`);
  }
  slices.count(all);
  if (slices.isOver()) yield;
  const scale = scaleFor(given);
  const shards = snapshot.shards.map((shard) => openShard(shard, goal, scale, given.length)).sort(byId);
  const byShardId = new Map(shards.map((shard) => [shard.id, shard]));
  check(byShardId.size === shards.length, 'a shard stands twice');
  for (const wanted of goalShards(goal))
    if (!byShardId.has(wanted))
      throw new FairleadError('shard_not_found', `There is no shard ${wanted}`, { details: { shard_id: wanted } });
  const tenants = given.map((tenant) => openTenant(tenant, byShardId, goal, scale));
  slices.count(all);
  if (slices.isOver()) yield;
  for (const tenant of tenants) arrive(tenant, tenant.home);
  const mean = meanOf(shards, tenants);
  for (const shard of shards.filter(({ target }) => target)) {
    shard.share = Math.floor((1 + tolerance) * mean * shard.weight);
    shard.limit = shard.allowed = shard.highest = Math.min(shard.share, shard.maxLoad);
  }
  const largest = Math.max(0, ...shards.map(({ limit }) => limit));
  for (const tenant of tenants) tenant.giant = tenant.load > largest;
  slices.count(all);
  if (slices.isOver()) yield;
  const bySize = tenants.toSorted(largestFirst);
  slices.count(all);
  if (slices.isOver()) yield;
  const [separated, spilled] = [new Set<Tenant>(), new Set<Shard>()];
  const looksForRoom = maxLooksForRoom;
  return { shards, tenants, bySize, tolerance, scale, mean, journal: [], separated, spilled, slices, looksForRoom };
}

function goalShards(goal: Goal): string[] {
  return goal.mode === 'balance' ? [] : goal.mode === 'empty' ? [goal.shardId] : [goal.shardId, goal.toShardId];
}

/** A power of two, so that what it scales keeps its digits; the sum of all loads stays a whole number that is exact. */
function scaleFor(tenants: readonly TenantSnapshot[]): number {
  const total = tenants.reduce((sum, { load }) => sum + load, 0);
  check(Number.isFinite(total), 'the loads are too large to be added');
  return total === 0 ? 1 : 2 ** Math.min(1_000, 49 - Math.floor(Math.log2(total)));
}

function openShard(shard: ShardSnapshot, goal: Goal, scale: number, tenants: number): Shard {
  const { shardId, weight, maxLoad = Infinity } = shard;
  check(weight > 0 && Number.isFinite(weight), `the weight of shard ${shardId} is a number above 0`);
  check(maxLoad >= 0, `the highest load of shard ${shardId} is a number from 0 on`);
  const leaving = goal.mode !== 'balance' && goal.shardId === shardId;
  return {
    id: shardId,
    weight,
    target: shard.state === 'active' && shard.healthy && !leaving,
    leaving,
    // Each tenant's load was rounded by half a unit at most.
    maxLoad: Math.floor(maxLoad * scale + tenants / 2),
    share: 0,
    limit: 0,
    allowed: 0,
    highest: 0,
    load: 0,
    tenants: 0,
    groups: new Map(),
  };
}

function openTenant(tenant: TenantSnapshot, shards: ReadonlyMap<string, Shard>, goal: Goal, scale: number): Tenant {
  const home = shards.get(tenant.shardId);
  const { tenantId, load, pinned, antiAffinity, lastMovedAtMs, stuck = false } = tenant;
  if (home === undefined)
    throw new FairleadError('shard_not_found', `Tenant ${tenantId} is on shard ${tenant.shardId}, which is not there`, {
      details: { tenant_id: tenantId, shard_id: tenant.shardId },
    });
  const known = tenant.only?.flatMap((shardId) => shards.get(shardId) ?? []) ?? [];
  const only = known.length === 0 ? undefined : new Set(known);
  const misplaced = only !== undefined && !only.has(home);
  // A pin that was not obeyed yet does not wait for an earlier move to be forgotten.
  const cooling = !misplaced && goal.cooldownMs > 0 && lastMovedAtMs !== undefined && goal.nowMs - lastMovedAtMs < goal.cooldownMs;
  return { id: tenantId, load: Math.round(load * scale), home, group: antiAffinity, pinned, only, cooling, stuck, giant: false, at: home };
}

/** What each weight has to carry when all that can leave the shard that is emptied has left it, and who is to be elsewhere is there. */
function meanOf(shards: readonly Shard[], tenants: readonly Tenant[]): number {
  const weights = shards.reduce((sum, { target, weight }) => sum + (target ? weight : 0), 0);
  const comes = (tenant: Tenant) => isMisplaced(tenant) && shards.some((shard) => shard.target && mayBeOn(tenant, shard));
  const goes = (tenant: Tenant) => tenant.at.leaving && isFree(tenant);
  const loads = tenants.reduce((sum, tenant) => sum + (tenant.at.target || goes(tenant) || comes(tenant) ? tenant.load : 0), 0);
  return weights === 0 ? 0 : loads / weights;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new FairleadError('invalid_argument', `This cannot be planned: ${message}`);
}

/** Puts a tenant to a shard. The caller has found it to fit, or knows why it may be there all the same. */
export function move(state: State, tenant: Tenant, to: Shard): void {
  state.journal.push({ tenant, from: tenant.at, to });
  relocate(tenant, to);
}

/** Takes the latest steps back until so many are left, and answers them, the earliest first. */
export function takeBack(state: State, length: number): Step[] {
  const taken = state.journal.splice(length);
  for (const { tenant, from } of taken.toReversed()) relocate(tenant, from);
  return taken;
}

/** Changes where a tenant is, and nothing else. */
export function relocate(tenant: Tenant, to: Shard): void {
  const from = tenant.at;
  from.load -= tenant.load;
  from.tenants -= 1;
  if (tenant.group !== undefined) from.groups.set(tenant.group, (from.groups.get(tenant.group) ?? 0) - 1);
  arrive(tenant, to);
}

function arrive(tenant: Tenant, to: Shard): void {
  tenant.at = to;
  to.load += tenant.load;
  to.tenants += 1;
  if (tenant.group !== undefined) to.groups.set(tenant.group, (to.groups.get(tenant.group) ?? 0) + 1);
}

/** Whether a shard has a tenant of the group, other than this one. */
export function meetsGroup({ group, at }: Tenant, shard: Shard): boolean {
  return group !== undefined && (shard.groups.get(group) ?? 0) > (at === shard ? 1 : 0);
}

/** Whether a tenant may go to a shard within its limit. */
export const fits = (tenant: Tenant, shard: Shard): boolean => shard.load + tenant.load <= shard.limit && isOpenTo(tenant, shard);

/** Whether a tenant may go to a shard if there is room. */
export const isOpenTo = (tenant: Tenant, shard: Shard): boolean =>
  shard.target && shard !== tenant.at && mayBeOn(tenant, shard) && !meetsGroup(tenant, shard);

/** The shard with the most room for a tenant within the limits, then the one with the fewest tenants, then the lower id; or none. */
export function roomiest(state: State, tenant: Tenant, except?: Shard): Shard | undefined {
  state.slices.count(state.shards.length);
  let best: Shard | undefined;
  let most = tenant.load;
  for (const shard of state.shards) {
    const room = shard.limit - shard.load;
    // What costs least first: most shards have less room than one that was found before.
    if (room < most || (best !== undefined && room === most && shard.tenants >= best.tenants)) continue;
    if (shard === except || !fits(tenant, shard)) continue;
    [best, most] = [shard, room];
  }
  return best;
}

/** The most room within the limits that a tenant finds elsewhere, whatever its own load; -Infinity where none may take it. */
export function mostRoom(state: State, tenant: Tenant): number {
  state.slices.count(state.shards.length);
  let most = -Infinity;
  for (const shard of state.shards) {
    const room = shard.limit - shard.load;
    if (room > most && isOpenTo(tenant, shard)) most = room;
  }
  return most;
}

/** Where tenants are now, by shard; each shard's largest first. */
export function membersOf(state: State): Map<Shard, Tenant[]> {
  state.slices.count(2 * state.tenants.length);
  const members = new Map<Shard, Tenant[]>(state.shards.map((shard) => [shard, []]));
  for (const tenant of state.bySize) members.get(tenant.at)?.push(tenant);
  return members;
}

/** Whether a shard has more than it may. */
export const isOver = ({ target, load, allowed }: Shard): boolean => target && load > allowed;

/** The loads as they stand, by shard id, in the units that were given. */
export function shardLoads({ shards, scale, mean }: State): ShardLoad[] {
  return shards.map(({ id, tenants, load, weight, target }) => ({
    shardId: id,
    tenants,
    load: load / scale,
    ratio: !target ? null : mean === 0 ? 1 : load / weight / mean,
  }));
}

/** The highest ratio of some shards, 1 when none has load. */
export function highestRatio(loads: readonly ShardLoad[]): number {
  return loads.reduce((highest, { ratio }) => Math.max(highest, ratio ?? 0), 0) || 1;
}
