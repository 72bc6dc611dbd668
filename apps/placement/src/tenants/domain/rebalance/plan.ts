/** Plans which tenants move so that no shard has much more than its share, by few moves; pure. */
import { takeOver } from './replace.js';
import { leftOvers } from './left-overs.js';
import { makeInOrder } from './order.js';
import { evacuate, makeRoom, obeyPins, separate, setAllowed, shed, spill, spreadGiants } from './phases.js';
import { withoutStop, type Sliced } from './slices.js';
import { fewestMoves, isSmall, searchMoves } from './search.js';
import {
  highestRatio,
  isFree,
  isOver,
  largestFirst,
  mayBeOn,
  membersOf,
  openState,
  relocate,
  shardLoads,
  takeBack,
  type Shard,
  type State,
  type Step,
  type Tenant,
} from './state.js';
import type { Goal, MoveReason, PlannedMove, RebalancePlan, Snapshot } from './types.js';

/** Rounds until nothing more is to be done, at most; each brings shards that are over further down. */
const maxRounds = 50;

/**
 * Plans a rebalance of one kind. The same snapshot gives the same plan, whatever order it is in; planned again from
 * where the moves lead, there are none. Throws invalid_argument or shard_not_found for what can't be planned from.
 */
export function planRebalance(snapshot: Snapshot, goal: Goal): RebalancePlan {
  return withoutStop(planInSlices(snapshot, goal));
}

/** The same as `planRebalance`, in slices. */
export function* planInSlices(snapshot: Snapshot, goal: Goal): Sliced<RebalancePlan> {
  const state = yield* openState(snapshot, goal);
  const before = shardLoads(state);
  const over = new Set(state.shards.filter(({ target, load, limit }) => target && load > limit));
  if (goal.mode === 'replace') takeOver(state, goal.toShardId);
  else yield* planRounds(state);
  const steps = yield* finish(state);
  const made = steps.slice(0, goal.moveBudget);
  const cut = steps.slice(made.length);
  for (const { tenant, from } of cut.toReversed()) relocate(tenant, from);
  const after = shardLoads(state);
  return {
    moves: made.map((step) => plannedMove(state, goal, step, over)),
    before,
    after,
    limits: state.shards.filter(({ target }) => target).map(({ id, highest }) => ({ shardId: id, load: highest / state.scale })),
    ratioBefore: highestRatio(before),
    ratioAfter: highestRatio(after),
    leftOver: yield* leftOvers(state, goal, new Set(cut.map(({ from }) => from))),
  };
}

function plannedMove(state: State, goal: Goal, { tenant, from, to }: Step, over: ReadonlySet<Shard>): PlannedMove {
  const why: MoveReason =
    goal.mode === 'replace'
      ? 'replaced'
      : from.leaving
        ? 'emptied'
        : !mayBeOn(tenant, from)
          ? 'pin'
          : state.separated.has(tenant)
            ? 'anti_affinity'
            : over.has(from)
              ? 'over_limit'
              : 'makes_room';
  return { tenantId: tenant.id, from: from.id, to: to.id, load: tenant.load / state.scale, why };
}

/** Rounds of all phases until a round changes nothing, so that a plan from its end changes nothing either. */
function* planRounds(state: State): Sliced<void> {
  for (let round = 0; round < maxRounds; round += 1) {
    const mark = state.journal.length;
    const members = membersOf(state);
    setAllowed(state, members);
    yield* obeyPins(state, members);
    // Before groups are brought apart: where a small one of its group has gone, a giant can't.
    yield* spreadGiants(state, members);
    yield* separate(state, members);
    yield* level(state, members);
    if (state.journal.length === mark && !(yield* spill(state))) return;
  }
}

/** Empties what is to be emptied and brings shards within their limits; small cases by the fewest moves there are. */
function* level(state: State, members: Map<Shard, Tenant[]>): Sliced<void> {
  const mark = state.journal.length;
  const fewest = isSmall(state) ? fewestMoves(state) : 0;
  yield* evacuate(state, members);
  yield* shed(state, members);
  yield* makeRoom(state, members);
  if (!isSmall(state)) return;
  const solved = isLevel(state);
  const count = state.journal.length - mark;
  if (solved && count <= fewest) return;
  const greedy = takeBack(state, mark);
  const found = yield* searchMoves(state, solved ? count : undefined);
  if (found === undefined) for (const { tenant, to } of greedy) relocate(tenant, to);
  state.journal.push(...(found ?? greedy));
}

function isLevel({ shards, tenants }: State): boolean {
  return !shards.some(isOver) && !tenants.some((tenant) => tenant.at.leaving && isFree(tenant));
}

/** The steps with one for each tenant, without those that turned out to be needless, in a safe order. They are made. */
function* finish(state: State): Sliced<Step[]> {
  state.slices.count(4 * state.journal.length);
  if (state.slices.isOver()) yield;
  const journal = takeBack(state, 0);
  const limit = ({ highest }: Shard) => highest;
  const last = new Map(journal.map(({ tenant, to }) => [tenant, to]));
  const moves = [...last].filter(([tenant, to]) => tenant.home !== to).map(([tenant, to]) => ({ tenant, to }));
  const needed = yield* withoutNeedless(state, moves);
  const made = (yield* makeInOrder(needed, limit, state.slices)) ?? (yield* makeInOrder(moves, limit, state.slices));
  if (made !== undefined) return made;
  // As they were made they were safe.
  for (const { tenant, to } of journal) relocate(tenant, to);
  return journal;
}

/** Leaves out moves whose tenant can be at home all the same, when with them no shard is over. */
function* withoutNeedless(state: State, moves: readonly { tenant: Tenant; to: Shard }[]): Sliced<{ tenant: Tenant; to: Shard }[]> {
  // What moving takes, and sorting compares.
  state.slices.count(20 * moves.length);
  if (state.slices.isOver()) yield;
  for (const { tenant, to } of moves) relocate(tenant, to);
  const needed = new Set(moves);
  if (isLevel(state))
    for (const move of moves.toSorted((a, b) => largestFirst(b.tenant, a.tenant))) {
      state.slices.count(2);
      if (state.slices.isOver()) yield;
      const { tenant } = move;
      const { home } = tenant;
      const alone = tenant.group === undefined || (home.groups.get(tenant.group) ?? 0) === 0;
      if (!home.target || !mayBeOn(tenant, home) || home.load + tenant.load > home.limit || !alone) continue;
      relocate(tenant, home);
      needed.delete(move);
    }
  for (const { tenant } of needed) relocate(tenant, tenant.home);
  return [...needed];
}
