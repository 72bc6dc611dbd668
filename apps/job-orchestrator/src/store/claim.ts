import type { Sql } from '@fairlead/postgres';

/** How a job came to a replica: for the first time, after a rest, or from one whose lease had ended. */
export type ClaimKind = 'started' | 'resumed' | 'taken_over';

export interface Claim {
  jobId: string;
  how: ClaimKind;
  previousOwner: string | undefined;
}

/**
 * Claims jobs that may run, at most so many, each with a new fence; none for a replica whose lease has ended.
 * Jobs that are queued are claimed in their order, each once it is first in line for all its resources.
 */
export async function claimJobs(sql: Sql, options: { replicaId: string; kinds: readonly string[]; most: number }): Promise<Claim[]> {
  const rows = await sql.query<{ job_id: string; how: ClaimKind; previous_owner: string | null }>(
    'select job_id, how, previous_owner from claim_jobs($1, $2, $3)',
    [options.replicaId, options.kinds, options.most],
    'claim_jobs',
  );
  return rows.map((row) => ({ jobId: row.job_id, how: row.how, previousOwner: row.previous_owner ?? undefined }));
}
