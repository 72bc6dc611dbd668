import type { Sql } from '@fairlead/postgres';
import type { JobPrincipal, PlanDraft } from '../engine/kind.js';
import type { Claim } from './claim.js';

/** A job to be made; column by column. */
export interface NewJob {
  job_id: string;
  kind: string;
  version: number;
  params: unknown;
  plan_id: string;
  plan_digest: string;
  reason: string;
  principal: JobPrincipal;
  /** Whose idempotency key it is. */
  scope: string;
  idempotency_key: string;
  payload_hash: string;
  /** Distinct and sorted. */
  locks: string[];
  tenant_id?: string | undefined;
  parent_id?: string | undefined;
  deadline_ms: number;
  request_id: string;
  correlation_id: string;
  traceparent: string;
  steps: string[];
  /** Whether it may wait for its resources; else it is made only when it comes first on all of them. */
  may_wait: boolean;
  /** The replica that claims it, if nothing is in its way; it must hold its lease. */
  claimer?: string | undefined;
  /** What the log is told once it is claimed, but for the fence; its first step then begins with it. Only {@link writeBeat} tells it. */
  started?: StartTold | undefined;
}

/** An event of a job's start as the log takes it. `meta` is JSON. */
export interface StartTold {
  readonly type: string;
  readonly schema_version: number;
  readonly payload: unknown;
  readonly meta: string;
}

/**
 * What became of a new job: `id` is its own, that of the job of the same key and what it was asked, or that of the job in its way.
 * `fence` is null unless it was claimed; `begun` tells whether its first step has.
 */
export type Inserted =
  | { outcome: 'made'; id: string; fence: null }
  | { outcome: 'made'; id: string; seq: number; fence: number; claimed_at: string; deadline: string; begun: boolean }
  | { outcome: 'repeated'; id: string; asked: string }
  | { outcome: 'locked'; id: string };

/** Makes jobs, one after the other; run it in a transaction. */
export async function insertJobs(tx: Sql, jobs: readonly NewJob[]): Promise<Inserted[]> {
  return tx.query<Inserted>(
    'select outcome, id, asked, seq, fence, claimed_at, deadline, begun from make_jobs($1::jsonb) order by n',
    [JSON.stringify(jobs)],
    'make_jobs',
  );
}

/** The claim of a job that was claimed when it was made, as `runnable_jobs` would answer it; undefined for one that was not. */
export function claimOfNew(made: Inserted, given: NewJob, plan: PlanDraft): Claim | undefined {
  if (made.outcome !== 'made' || made.fence === null) return undefined;
  const {
    claimer = null,
    deadline_ms: _deadline,
    steps,
    may_wait: _wait,
    scope: _scope,
    idempotency_key: _key,
    payload_hash: _hash,
    started: _told,
    ...asked
  } = given;
  const at = new Date(made.claimed_at);
  return {
    jobId: made.id,
    how: 'started',
    previousOwner: undefined,
    begun: made.begun,
    loaded: {
      job: {
        ...asked,
        tenant_id: given.tenant_id ?? null,
        parent_id: given.parent_id ?? null,
        seq: made.seq,
        status: 'running',
        direction: 'forward',
        cursor: 0,
        failure: null,
        owner: claimer,
        fence: made.fence,
        wake_at: at,
        waits_for: null,
        note: null,
        pause_requested_at: null,
        paused_at: null,
        paused_by: null,
        deadline: new Date(made.deadline),
        deadline_passed: false,
        overdue_at: null,
        cancel_requested_at: null,
        error: null,
        created_at: at,
        started_at: at,
        finished_at: null,
      },
      plan,
      steps: steps.map((name, index) => ({
        name,
        ...(made.begun && index === 0
          ? { status: 'running' as const, attempts: 1, running_ms: 0 }
          : { status: 'pending' as const, attempts: 0, running_ms: null }),
        undo_attempts: 0,
        failures: 0,
        undo_failures: 0,
        output: null,
        undo_running_ms: null,
      })),
      signals: {},
    },
  };
}
