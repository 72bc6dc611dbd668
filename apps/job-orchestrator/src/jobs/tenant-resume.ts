/** Lets a tenant that was drained be served again where it is. */
import type { JobKind, PlanDraft } from '../engine/kind.js';
import { noOtherJob, originChecks } from './checks.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import {
  patient,
  placedThere,
  readSeatInputs,
  resumeAll,
  seatRevisions,
  tenantAndKinds,
  type SeatInputs,
  type TenantAndKinds,
} from './tenants.js';

export function tenantResume(deps: KindDependencies): JobKind<TenantAndKinds, SeatInputs> {
  const kind: JobKind<TenantAndKinds, SeatInputs> = {
    kind: 'tenant-resume',
    version: 1,
    permission: 'tenant.resume',
    params: tenantAndKinds,
    deadlineMs: 15 * 60_000,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: (params) => readSeatInputs(deps, params),
    plan: planResume,
    steps: [
      preflight<TenantAndKinds>(() => kind),
      {
        name: 'resume',
        attemptTimeoutMs: 10_000,
        timeoutMs: 300_000,
        retry: patient,
        run: (context) => resumeAll(deps, context, 'resume', 'toShardId'),
        undo: { none: 'a tenant that serves where it is placed is where it should be' },
      },
    ],
  };
  return kind;
}

/**
 * Sealed and imported too: so a person can bring a tenant back to service where placement says it belongs, after a
 * migration that needs attention.
 */
const resumable = ['draining', 'drained', 'sealed', 'imported', 'active'];

/** Plans a resume from what was seen; pure. */
export function planResume(params: TenantAndKinds, inputs: SeatInputs): PlanDraft {
  const [{ tenant }, { seats, openJobId }] = [params, inputs];
  // How much is unapplied is no reason to leave a tenant stopped.
  const limits = { maxLag: Number.MAX_SAFE_INTEGER, maxInflight: Number.MAX_SAFE_INTEGER };
  const states = seats.flatMap(({ seat, state }) => originChecks(seat.kind, seat.shardId, state, resumable, limits));
  return {
    actions: seats.map(({ seat }) => ({
      name: 'resume',
      description: `let ${seat.kind} ${seat.shardId} serve ${tenant} again`,
      kind: seat.kind,
      fromShardId: seat.shardId,
      toShardId: seat.shardId,
    })),
    checks: [...states.filter((check) => check.name.endsWith('.origin_state')), ...placedThere(params, inputs), noOtherJob(openJobId)],
    impact: { tenants: [tenant], services: seats.map(({ seat }) => `${seat.kind}/${seat.shardId}`), expectedPauseMs: 0 },
    inputs: seatRevisions(
      tenant,
      seats.map(({ seat }) => seat),
    ),
  };
}
