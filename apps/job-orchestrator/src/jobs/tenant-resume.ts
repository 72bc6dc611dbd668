/** Lets a tenant that was drained be served again where it is. */
import { placedKinds, type provisionerV1 } from '@fairlead/contracts';
import type { JobKind, PlanDraft, StepContext, StepResult } from '../engine/kind.js';
import { findOpenJobOn } from '../store/jobs.js';
import { noOtherJob, originChecks } from './checks.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import {
  actionsOf,
  commandOf,
  onShard,
  readSeats,
  readStates,
  seatResource,
  tenantAndKinds,
  type Seat,
  type TenantAndKinds,
} from './tenants.js';

interface Inputs {
  seats: { seat: Seat; state: provisionerV1.TenantState | undefined }[];
  openJobId: string | undefined;
}

export function tenantResume(deps: KindDependencies): JobKind<TenantAndKinds, Inputs> {
  const kind: JobKind<TenantAndKinds, Inputs> = {
    kind: 'tenant-resume',
    version: 1,
    permission: 'tenant.resume',
    params: tenantAndKinds,
    deadlineMs: 15 * 60_000,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: async ({ tenant, kinds }) => {
      const [seats, openJobId] = await Promise.all([
        readSeats(deps, tenant, kinds ?? placedKinds),
        findOpenJobOn(deps.sql, [`tenant/${tenant}`]),
      ]);
      const states = await readStates(deps, tenant, seats);
      return { seats: seats.map((seat, index) => ({ seat, state: states[index] })), openJobId };
    },
    plan: planResume,
    steps: [
      preflight<TenantAndKinds>(() => kind),
      {
        name: 'resume',
        attemptTimeoutMs: 10_000,
        timeoutMs: 300_000,
        retry: { maxAttempts: 100, baseDelayMs: 100, maxDelayMs: 2_000 },
        run: (context) => resumeSeats(deps, context),
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
export function planResume({ tenant }: TenantAndKinds, { seats, openJobId }: Inputs): PlanDraft {
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
    checks: [...states.filter((check) => check.name.endsWith('.origin_state')), noOtherJob(openJobId)],
    impact: { tenants: [tenant], services: seats.map(({ seat }) => `${seat.kind}/${seat.shardId}`), expectedPauseMs: 0 },
    inputs: seats.map(({ seat }) => ({ resource: seatResource(tenant, seat.kind), revision: seat.revision })),
  };
}

async function resumeSeats(deps: KindDependencies, context: StepContext<TenantAndKinds>): Promise<StepResult> {
  await Promise.all(
    actionsOf(context, 'resume').map((action) =>
      deps.provisioner.resumeTenant(
        {
          target: onShard(context.params.tenant, { kind: action.kind, shardId: action.toShardId }),
          command: commandOf(context, action.kind),
        },
        { signal: context.signal },
      ),
    ),
  );
  return { outcome: 'done' };
}
