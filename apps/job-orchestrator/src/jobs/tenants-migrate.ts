/** Moves many tenants, each by a migration of its own, so many at a time. What has moved stays where it is when it is stopped. */
import { z } from 'zod';
import { placedKinds, type CheckVerdict } from '@fairlead/contracts';
import { childrenStep, type ChildJobs } from '../engine/children.js';
import type { Check, JobKind, PlanDraft } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { publicationCheck } from './checks.js';
import { withinOneLook } from './one-look.js';
import { preflight } from './preflight.js';
import { planMigration, readMigrationInputs, type MigrationInputs } from './tenant-migrate.js';
import { minuteMs, shardName, tenantName } from './tenants.js';

/** Tenants that one job moves, at most. */
export const maxTenants = 500;
/** Tenants that are looked at together for a plan. */
export const lookAtOnce = 8;

const params = z.strictObject({
  tenants: z
    .array(tenantName)
    .min(1, 'name at least one tenant')
    .max(maxTenants, `at most ${String(maxTenants)} tenants`)
    .transform((tenants) => [...new Set(tenants)]),
  /** Where to, per kind; the same for all. */
  moves: z
    .partialRecord(z.enum(placedKinds), shardName)
    .refine((moves) => Object.keys(moves).length > 0, 'name at least one kind and its target shard'),
  /** Migrations under way at the same time. */
  parallel: z.int().min(1).max(16).default(2),
  /** No more are started once so many have failed. */
  stop_after_failures: z.int().min(1).max(maxTenants).default(1),
});
type Params = z.output<typeof params>;

export function tenantsMigrate(deps: KindDependencies, children: ChildJobs): JobKind<Params, MigrationInputs[]> {
  const kind: JobKind<Params, MigrationInputs[]> = {
    kind: 'tenants-migrate',
    version: 1,
    permission: 'tenant.migrate',
    params,
    deadlineMs: 24 * 60 * minuteMs,
    // Each migration locks its own tenant.
    locks: () => [],
    tenantOf: () => undefined,
    readInputs: async ({ tenants, moves }) => {
      const inputs: MigrationInputs[] = [];
      const once = withinOneLook(deps);
      for (let from = 0; from < tenants.length; from += lookAtOnce)
        inputs.push(
          ...(await Promise.all(tenants.slice(from, from + lookAtOnce).map((tenant) => readMigrationInputs(once, { tenant, moves })))),
        );
      return inputs;
    },
    plan: (input, inputs) =>
      planTenants(
        input.tenants.map((tenant, index) => {
          const looked = inputs[index];
          if (looked === undefined) throw new Error('each tenant was looked at');
          return { tenant, draft: planMigration({ tenant, moves: input.moves }, looked, deps.settings) };
        }),
      ),
    steps: [
      preflight<Params>(() => kind),
      childrenStep<Params>('migrate', children, {
        children: ({ params: { tenants, moves } }) =>
          tenants.map((tenant) => ({ key: tenant, kind: 'tenant-migrate', params: { tenant, moves } })),
        parallel: ({ parallel }) => parallel,
        stopAfterFailures: (given) => given.stop_after_failures,
        timeoutMs: 24 * 60 * minuteMs,
      }),
    ],
  };
  return kind;
}

/** Plans many migrations from the plan of each; pure. */
export function planTenants(plans: readonly { tenant: string; draft: PlanDraft }[]): PlanDraft {
  // The same for all, and it passes: the job waits for that, as a migration does.
  const publication = plans.flatMap(({ draft }) => draft.checks.filter(({ name }) => name === publicationCheck));
  const problems = (wanted: CheckVerdict) =>
    plans.flatMap(({ tenant, draft }) => {
      const check = draft.checks.find(({ name, verdict }) => name !== publicationCheck && verdict === wanted);
      return check === undefined ? [] : [`${tenant}: ${check.message}`];
    });
  const inputs = new Map(plans.flatMap(({ draft }) => draft.inputs).map((input) => [input.resource, input]));
  return {
    actions: plans.map(({ tenant, draft }) => ({
      name: 'migrate',
      description: `move ${tenant}: ${draft.actions
        .filter(({ name }) => name === 'hand-over')
        .map(({ kind, toShardId }) => `${kind} to ${toShardId}`)
        .join(', ')}`,
      kind: '',
      fromShardId: '',
      toShardId: '',
    })),
    checks: [
      ...[publication.find(({ verdict }) => verdict === 'block') ?? publication[0]].filter((check) => check !== undefined),
      manyChecks('tenants_can_move', 'block', plans.length, problems('block')),
      manyChecks('tenants_without_warning', 'warn', plans.length, problems('warn')),
    ],
    impact: {
      tenants: plans.map(({ tenant }) => tenant),
      services: [...new Set(plans.flatMap(({ draft }) => draft.impact.services))].sort(),
      // Of each tenant: they pause one after the other.
      expectedPauseMs: Math.max(0, ...plans.map(({ draft }) => draft.impact.expectedPauseMs)),
    },
    inputs: [...inputs.values()],
  };
}

/** One check of many: passes when there is no problem, else names the first ones. */
export function manyChecks(name: string, otherwise: 'block' | 'warn', total: number, problems: readonly string[]): Check {
  const fine = total - problems.length;
  const some = problems.slice(0, 5).join('; ');
  return {
    name,
    verdict: problems.length === 0 ? 'pass' : otherwise,
    value: `${String(fine)} of ${String(total)}`,
    limit: 'all',
    message:
      problems.length === 0 ? `${String(total)} of ${String(total)} tenants` : `${String(problems.length)} of ${String(total)}: ${some}`,
  };
}
