/**
 * The fewest moves for small cases: depth-first, with one move more at a time, over what leaves shards that are over what they may have.
 *
 * It finds the optimum unless the work runs out: of the moves of a solution, while one shard is over, one that leaves this shard
 * has yet to be made, whatever the order; so it is enough to try those. A shard may be over in between: then something leaves it too.
 */
import { makeInOrder } from './order.js';
import type { SliceCounter, Sliced } from './slices.js';
import { isFree, isOver, mayBeOn, membersOf, meetsGroup, relocate, type Shard, type State, type Step, type Tenant } from './state.js';

/** Moves that are tried at most: a count, so that the result is the same anywhere. Fewer where there may be no solution. */
const maxWork = { solved: 150_000, unsolved: 50_000 };
/** The most moves of a solution that is looked for where none is known. */
const mostUnknown = 60;
const maxShards = 24;
const maxTenants = 400;

/** Whether a case is small enough to be searched. */
export const isSmall = ({ shards, tenants }: State): boolean => shards.length <= maxShards && tenants.length <= maxTenants;

/** A shard in the search: who may leave it, the largest first, and how many have to at least. */
interface Place {
  readonly shard: Shard;
  /** Tenants may come. */
  readonly open: boolean;
  readonly members: readonly Tenant[];
  /** The first of `members` to be tried: permutations of the same moves are tried once. */
  next: number;
  atLeast: number;
}

/** How many moves it takes at least to bring every shard within what it may have. Infinite when it can't be done. */
export function fewestMoves(state: State): number {
  return placesOf(state).reduce((sum, { atLeast }) => sum + atLeast, 0);
}

/**
 * Finds moves from the state as it stands that bring every shard within what it may have and empty what is to be emptied: fewer than
 * `known`, the number of a solution that is known. Makes them in a safe order and answers it; undefined, with nothing changed, when none were found.
 */
export function* searchMoves(state: State, known: number | undefined): Sliced<Step[] | undefined> {
  const search = new Search(placesOf(state), known === undefined ? maxWork.unsolved : maxWork.solved, state.slices);
  for (let most = Math.max(1, fewestMoves(state)); most < (known ?? mostUnknown) && !search.isTired(); most += 1) {
    const found = yield* search.run(most);
    if (found !== undefined) return found;
  }
  return undefined;
}

function placesOf(state: State): Place[] {
  return [...membersOf(state)].map(([shard, all]) => {
    const members = all.filter((tenant) => isFree(tenant) && (!tenant.giant || shard.leaving));
    const place: Place = { shard, open: shard.target && shard.allowed === shard.limit, members, next: 0, atLeast: 0 };
    return Object.assign(place, { atLeast: departures(place, new Set()) });
  });
}

/** How many of a place's members that have not moved have to leave at least. */
function departures({ shard, members }: Place, moved: ReadonlySet<Tenant>): number {
  if (shard.leaving) return members.reduce((count, tenant) => count + (moved.has(tenant) ? 0 : 1), 0);
  let excess = isOver(shard) ? shard.load - shard.allowed : 0;
  let count = 0;
  for (const tenant of members) {
    if (excess <= 0) return count;
    if (moved.has(tenant)) continue;
    excess -= tenant.load;
    count += 1;
  }
  return excess <= 0 ? count : Infinity;
}

class Search {
  private work = 0;
  private readonly moved = new Set<Tenant>();
  private readonly path: { tenant: Tenant; from: Place; to: Place }[] = [];

  constructor(
    private readonly places: readonly Place[],
    private readonly maxWork: number,
    private readonly slices: SliceCounter,
  ) {}

  isTired(): boolean {
    return this.work >= this.maxWork;
  }

  /** Looks for a solution of so many moves at most. */
  *run(most: number): Sliced<Step[] | undefined> {
    const needed = this.places.reduce((sum, { atLeast }) => sum + atLeast, 0);
    if (needed === 0) return yield* this.solution();
    if (this.path.length + needed > most) return undefined;
    const from = this.places.reduce((worst, place) => (excess(place) > excess(worst) ? place : worst));
    const tried = new Set<number>();
    const start = from.next;
    for (let index = start; index < from.members.length && !this.isTired(); index += 1) {
      const tenant = from.members[index];
      if (tenant === undefined || this.moved.has(tenant)) continue;
      // Of tenants that are alike the first is enough.
      if (tenant.group === undefined && tried.has(tenant.load)) continue;
      if (tenant.group === undefined) tried.add(tenant.load);
      from.next = index + 1;
      for (const to of this.targetsOf(tenant, from)) {
        this.work += 1;
        this.slices.count(8 * this.places.length);
        if (this.slices.isOver()) yield;
        const found = yield* this.step(tenant, from, to, needed, most);
        if (found !== undefined) return found;
        if (this.isTired()) break;
      }
      // All of them have to leave: the first one too, so there is no other to begin with.
      if (from.shard.leaving) break;
    }
    from.next = start;
    return undefined;
  }

  private *step(tenant: Tenant, from: Place, to: Place, needed: number, most: number): Sliced<Step[] | undefined> {
    const were = { from: from.atLeast, to: to.atLeast, next: to.next };
    relocate(tenant, to.shard);
    this.moved.add(tenant);
    from.atLeast = departures(from, this.moved);
    to.atLeast = departures(to, this.moved);
    to.next = 0;
    const still = needed - were.from - were.to + from.atLeast + to.atLeast;
    this.path.push({ tenant, from, to });
    const found = this.path.length + still > most ? undefined : yield* this.run(most);
    if (found !== undefined) return found;
    this.path.pop();
    to.next = were.next;
    from.atLeast = were.from;
    to.atLeast = were.to;
    this.moved.delete(tenant);
    relocate(tenant, from.shard);
    return undefined;
  }

  /** Where it fits best first, then where others have to leave for it. */
  private targetsOf(tenant: Tenant, from: Place): Place[] {
    const left = ({ shard }: Place) => shard.limit - shard.load - tenant.load;
    return this.places
      .filter(
        (place) =>
          place.open &&
          place !== from &&
          tenant.load <= place.shard.limit &&
          mayBeOn(tenant, place.shard) &&
          !meetsGroup(tenant, place.shard),
      )
      .sort((a, b) => Number(left(a) < 0) - Number(left(b) < 0) || Math.abs(left(a)) - Math.abs(left(b)));
  }

  /** The path's moves in a safe order, if there is one. They stay made when there is. */
  private *solution(): Sliced<Step[] | undefined> {
    for (const { tenant, from } of this.path.toReversed()) relocate(tenant, from.shard);
    const moves = this.path.map(({ tenant, to }) => ({ tenant, to: to.shard }));
    const made = yield* makeInOrder(moves, ({ limit }) => limit, this.slices);
    if (made === undefined) for (const { tenant, to } of this.path) relocate(tenant, to.shard);
    return made;
  }
}

const excess = ({ shard, atLeast }: Place): number =>
  atLeast === 0 ? -1 : shard.leaving ? Number.MAX_SAFE_INTEGER : shard.load - shard.allowed;
