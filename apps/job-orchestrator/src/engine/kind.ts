import type { z } from 'zod';
import type { CheckVerdict, jobsV1, Permission } from '@fairlead/contracts';
import type { RetryPolicy, StepResult, StepRules } from '../domain/step.js';

export type { RetryPolicy, StepFailure, StepResult } from '../domain/step.js';

/** One line of a plan's preflight. The value was measured when the plan was made. */
export type Check = jobsV1.Check & { verdict: CheckVerdict };
export type Action = jobsV1.Action;
/** Who is touched, and how long tenants are expected to wait: an estimate from the kinds involved. */
export type Impact = Omit<jobsV1.Impact, 'everyTenant'> & Partial<Pick<jobsV1.Impact, 'everyTenant'>>;
/** One place of a document that is changed. */
export type DocumentChange = jobsV1.DocumentChange;
export type InputRevision = jobsV1.InputRevision;

/** What a job would do and why it may: made from named revisions, the same for the same inputs. */
export interface PlanDraft {
  actions: Action[];
  checks: Check[];
  impact: Impact;
  inputs: InputRevision[];
  /** What is done to a document, to be looked at; parameters and input revisions decide it, so that the digest goes without. */
  changes?: DocumentChange[];
  /** Of its jobs, how many run at the same time where the parameters do not say; an input's revision decides it, as above. */
  parallel?: number;
}

export interface StepContext<Params> {
  readonly jobId: string;
  readonly params: Params;
  readonly plan: PlanDraft;
  readonly reason: string;
  /** Who started the job, and what they were allowed then. */
  readonly principal: JobPrincipal;
  /** Outputs of the steps before, by name. */
  readonly outputs: Readonly<Record<string, Record<string, unknown>>>;
  /** Signals that the job was sent, by name. */
  readonly signals: Readonly<Record<string, Record<string, unknown>>>;
  /** How long ago this step (or its undo) was first begun, in milliseconds, without the time that nobody ran the job. */
  readonly runningMs: number;
  /** Refused by receivers once a later claim of this job, or a later job, has acted. */
  readonly fence: number;
  /** 1 when no run of this step (or of its undo) was ever begun before; repeats of any sort count on. */
  readonly attempt: number;
  /** The same for each repeat of this step (or of its undo): receivers act on it once. */
  readonly idempotencyKey: string;
  /** Aborted on cancel, timeout and a lost lease; a step ends soon after. */
  readonly signal: AbortSignal;
}

export interface JobPrincipal {
  id: string;
  name: string;
  grants: Permission[];
  /** The scope path that these grants are on: that of the tenant that the work is about; the whole platform without it. */
  scope?: string;
}

export interface Step<Params> {
  readonly name: string;
  /** One run's limit; then it is aborted and counts as a failed attempt. */
  readonly attemptTimeoutMs: number;
  /** The whole step's limit, waits and retries included. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  run(context: StepContext<Params>): Promise<StepResult>;
  /** Takes back what the step may have done, also partly; or why nothing needs to be taken back. */
  readonly undo: ((context: StepContext<Params>) => Promise<StepResult>) | { none: string };
  /** The whole undo's limit; 10 minutes when left out. */
  readonly undoTimeoutMs?: number;
  /** Once this step has begun, the job is only undone if the step says for certain that it did nothing. */
  readonly pointOfNoReturn?: boolean;
}

/**
 * One kind of job: what it may be asked, how it is planned, what it locks, and its steps. `readInputs` looks,
 * `plan` decides from what was seen and nothing else.
 */
export interface JobKind<Params = unknown, Inputs = unknown> {
  readonly kind: string;
  /** Raised when steps change; replicas claim only versions they know. */
  readonly version: number;
  readonly permission: Permission;
  /** What it needs besides, for these parameters. */
  alsoNeeds?(params: Params): readonly Permission[];
  /** A plan needs the word of somebody other than who made it, whatever the installation's settings say. */
  readonly needsApproval?: boolean;
  readonly params: z.ZodType<Params>;
  /** The whole job's limit. */
  readonly deadlineMs: number;
  /** The resources nobody else may change meanwhile, such as `tenant/acme`. */
  locks(params: Params): string[];
  /** The tenant the job is about, for lists and filters. */
  tenantOf(params: Params): string | undefined;
  readInputs(params: Params): Promise<Inputs>;
  plan(params: Params, inputs: Inputs): PlanDraft;
  readonly steps: readonly Step<Params>[];
}

/** Longer than any outage that ends by itself soon: giving up an undo calls a person. */
const defaultUndoTimeoutMs = 10 * 60_000;

/** What the state machine needs to know of a kind's steps. */
export function rulesOf(kind: JobKind): StepRules[] {
  return kind.steps.map((step) => ({
    timeoutMs: step.timeoutMs,
    retry: step.retry,
    undoTimeoutMs: step.undoTimeoutMs ?? defaultUndoTimeoutMs,
    canUndo: typeof step.undo === 'function',
    pointOfNoReturn: step.pointOfNoReturn === true,
  }));
}
