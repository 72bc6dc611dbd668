import type { Sql } from '@fairlead/postgres';
import type { JobPrincipal } from '../engine/kind.js';

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
}

/** What became of a new job: `id` is its own, that of the job of the same key and what it was asked, or that of the job in its way. */
export type Inserted =
  { outcome: 'made'; id: string } | { outcome: 'repeated'; id: string; asked: string } | { outcome: 'locked'; id: string };

/** Makes jobs, one after the other; run it in a transaction. */
export async function insertJobs(tx: Sql, jobs: readonly NewJob[]): Promise<Inserted[]> {
  return tx.query<Inserted>('select outcome, id, asked from insert_jobs($1::jsonb) order by n', [JSON.stringify(jobs)], 'insert_jobs');
}
