/** Stops a tenant's new work where it is, lets work in flight finish, and leaves it drained until it is resumed. */
import type { JobKind, PlanDraft } from '../engine/kind.js';
import { noOtherJob, originChecks, type Limits } from './checks.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import {
  awaitDrained,
  drainAll,
  lookForMs,
  patient,
  placedThere,
  readSeatInputs,
  resumeAll,
  seatRevisions,
  tenantAndKinds,
  type SeatInputs,
  type TenantAndKinds,
} from './tenants.js';

export function tenantDrain(deps: KindDependencies): JobKind<TenantAndKinds, SeatInputs> {
  const kind: JobKind<TenantAndKinds, SeatInputs> = {
    kind: 'tenant-drain',
    version: 1,
    permission: 'tenant.drain',
    params: tenantAndKinds,
    deadlineMs: 15 * 60_000,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: (params) => readSeatInputs(deps, params),
    plan: (params, inputs) => planDrain(params, inputs, deps.settings),
    steps: [
      preflight<TenantAndKinds>(() => kind),
      {
        name: 'drain',
        attemptTimeoutMs: 10_000,
        timeoutMs: 120_000,
        retry: patient,
        run: (context) => drainAll(deps, context),
        undoTimeoutMs: deps.settings.undoTimeoutMs,
        undo: (context) => resumeAll(deps, context, 'drain', 'fromShardId'),
      },
      {
        name: 'wait-drained',
        attemptTimeoutMs: lookForMs + 10_000,
        timeoutMs: deps.settings.drainTimeoutMs,
        retry: patient,
        run: (context) => awaitDrained(deps, context),
        undo: { none: 'it only looks' },
      },
    ],
  };
  return kind;
}

/** Plans a drain from what was seen; pure. */
export function planDrain(params: TenantAndKinds, inputs: SeatInputs, limits: Limits): PlanDraft {
  const [{ tenant }, { seats, openJobId }] = [params, inputs];
  return {
    // What is drained already was stopped by somebody else: an undo must not put it back into service.
    actions: seats
      .filter(({ state }) => state?.state !== 'drained')
      .map(({ seat }) => ({
        name: 'drain',
        description: `stop new work of ${tenant} on ${seat.kind} ${seat.shardId} and let work in flight finish; it stays stopped until resumed`,
        kind: seat.kind,
        fromShardId: seat.shardId,
        toShardId: '',
      })),
    checks: [
      ...seats.flatMap(({ seat, state }) => originChecks(seat.kind, seat.shardId, state, ['active', 'drained'], limits)),
      ...placedThere(params, inputs),
      noOtherJob(openJobId),
    ],
    // Until somebody resumes it: no estimate is honest.
    impact: { tenants: [tenant], services: seats.map(({ seat }) => `${seat.kind}/${seat.shardId}`), expectedPauseMs: 0 },
    inputs: seatRevisions(
      tenant,
      seats.map(({ seat }) => seat),
    ),
  };
}
