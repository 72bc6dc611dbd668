import type { RunnableJob } from './jobs.js';

/** How a job came to a replica: for the first time, after a rest, or from one whose lease had ended. */
export type ClaimKind = 'started' | 'resumed' | 'taken_over';

export interface Claim {
  jobId: string;
  how: ClaimKind;
  previousOwner: string | undefined;
  /** Its first step has begun with the claim, and the log was told. */
  begun?: boolean;
  /** The job as it was claimed; undefined where only its claim is known, and it has to be read. */
  loaded: RunnableJob | undefined;
}

export interface ClaimRequest {
  /** Who claims; must hold its lease. */
  readonly replica: string;
  /** Kinds with their versions. */
  readonly kinds: readonly string[];
  readonly most: number;
}

export interface ClaimRow extends RunnableJob {
  how: ClaimKind;
  previous_owner: string | null;
  deadline_passed: boolean;
}

/** A claim by what the function answers. */
export function claimOf({ how, previous_owner: previousOwner, deadline_passed, job, plan, steps, signals }: ClaimRow): Claim {
  const loaded = { job: { ...job, deadline_passed }, plan, steps, signals };
  return { jobId: job.job_id, how, previousOwner: previousOwner ?? undefined, loaded };
}
