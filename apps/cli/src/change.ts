import { randomUUID } from 'node:crypto';
import { isChangeKind, type ChangeKind } from '@fairlead/api-client';
import type { Api, Plan, PlanBody } from './api.js';
import { confirmed } from './confirm.js';
import type { Context } from './context.js';
import { CliError, exitCodes } from './exit.js';
import type { KnownJob } from './jobs-api.js';
import { awaitsApproval, blockedChecks, renderBlocks, renderPlan } from './view/plan.js';
import { tellTransitions, watchJob } from './watch.js';

/** How a planned change is to be run. */
export interface ChangeOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
  readonly onConflict?: 'queue' | 'reject';
  readonly idempotencyKey?: string;
  /** How long `wait` waits. */
  readonly timeoutMs: number;
}

/**
 * Plans a change, shows the plan, and unless told to stop there starts its job and follows it. Throws CliError
 * with the conflict exit code when a check blocks or somebody else has to approve it, so that nothing is started.
 */
export async function runChange<Kind extends ChangeKind>(
  context: Context,
  kind: Kind,
  planned: (api: Api) => Promise<PlanBody<Kind>>,
  options: ChangeOptions,
): Promise<void> {
  const api = context.api();
  const plan = await api.createPlan(kind, await planned(api), randomUUID());
  showPlan(context, plan, options);
  requireApplicable(plan, options);
  if (options.dryRun === true) return;
  await startShown(context, api, plan, { kind, planDigest: plan.digest }, options);
}

/** Starts the job of a plan that was made before, by this very plan's id: it may be the one that was approved. */
export async function applyPlan(context: Context, planOrDigest: string, options: ChangeOptions): Promise<void> {
  const api = context.api();
  const plan = await api.plan(planOrDigest);
  showPlan(context, plan, options);
  requireApplicable(plan, options);
  const { kind } = plan;
  if (!isChangeKind(kind)) throw new CliError(`this release does not know how jobs of kind ${kind} are started; nothing was started`);
  await startShown(context, api, plan, { kind, planDigest: plan.plan_id }, options);
}

function requireApplicable(plan: Plan, { dryRun }: ChangeOptions): void {
  if (blockedChecks(plan).length > 0)
    throw new CliError(`the plan is blocked, nothing was started: ${renderBlocks(plan)}`, exitCodes.conflict);
  if (dryRun === true || !awaitsApproval(plan)) return;
  throw new CliError(
    `somebody else has to approve this plan, nothing was started: fairlead plan approve ${plan.plan_id} --reason …; then: fairlead plan apply ${plan.plan_id} --reason …`,
    exitCodes.conflict,
  );
}

/** Starts the job of a plan that was shown, and follows it when asked to. */
async function startShown(
  context: Context,
  api: Api,
  plan: Plan,
  what: { kind: ChangeKind; planDigest: string },
  options: ChangeOptions,
): Promise<void> {
  if (!(await confirmed(context.terminal, 'Apply this plan?', options))) throw new CliError('not confirmed, nothing was started');
  const jobId = await startJob(context, api, what, options);
  if (options.wait !== true) {
    context.print(
      { correlation_id: context.correlationId, job_id: jobId, plan },
      () => `job ${jobId} is started; follow it with: fairlead job watch ${jobId}\n`,
    );
    return;
  }
  // Beside one JSON document, progress goes to stderr.
  const tell = context.json ? context.terminal.err : context.terminal.out;
  const job = await watchJob(api, jobId, { timeoutMs: options.timeoutMs, onStart: tellTransitions(tell) });
  if (context.json) context.print({ correlation_id: context.correlationId, job_id: jobId, plan, job }, () => '');
  failUnlessSucceeded(job);
}

/** In JSON, the plan is part of the one document at the end; a person who is asked sees it before. */
function showPlan({ terminal, json, correlationId }: Context, plan: Plan, options: ChangeOptions): void {
  const text = `${renderPlan(plan)}\ncorrelation id  ${correlationId}\n`;
  const isLast = options.dryRun === true || blockedChecks(plan).length > 0 || awaitsApproval(plan);
  if (!json) terminal.out(text);
  else if (isLast) terminal.out(`${JSON.stringify({ correlation_id: correlationId, plan }, null, 2)}\n`);
  else if (terminal.interactive && options.yes !== true) terminal.err(text);
}

async function startJob(
  { terminal }: Context,
  api: Api,
  { kind, planDigest }: { kind: ChangeKind; planDigest: string },
  options: ChangeOptions,
): Promise<string> {
  const { reason, onConflict, idempotencyKey = randomUUID() } = options;
  try {
    return await api.startJob(kind, { planDigest, reason, onConflict, idempotencyKey });
  } catch (error) {
    // Whether the job was started may be unknown: with the same key a repeat never starts a second one.
    terminal.err(`idempotency key ${idempotencyKey} (a repeat with --idempotency-key ${idempotencyKey} starts no second job)\n`);
    throw error;
  }
}

const endings: ReadonlyMap<string, string> = new Map([
  ['failed', 'failed and was undone'],
  ['cancelled', 'was cancelled and undone'],
  ['needs_attention', 'needs attention'],
]);

/** Ends the command with the failure exit code unless the job has succeeded. */
export function failUnlessSucceeded(job: KnownJob): void {
  if (job.status === 'succeeded') return;
  throw new CliError(`job ${job.job_id} ${endings.get(job.status) ?? job.status}`);
}
