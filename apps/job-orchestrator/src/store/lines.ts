/** The lines in which jobs wait for resources; each is a row of `lock`, and the first has it. */
import type { Sql } from '@fairlead/postgres';

/** Holds the lines of a job's resources until the transaction ends; before any row is locked, or two could wait for each other. */
export async function holdLinesOf(tx: Sql, jobId: string): Promise<void> {
  await tx.query(`select hold_lines(locks) from job where job_id = $1`, [jobId]);
}

/** Takes a job out of its lines, which are held; answers how many others can be claimed now. */
export async function leaveLines(tx: Sql, jobId: string): Promise<number> {
  const [row] = await tx.query<{ freed: number }>(`select leave_lines(array[$1]) as freed`, [jobId]);
  return row?.freed ?? 0;
}

/** Puts a job that had ended into the lines again, which are held. Answers the job that is in one of them already, if there is one. */
export async function joinLines(tx: Sql, job: { job_id: string; seq: number; locks: readonly string[] }): Promise<string | undefined> {
  const [first] = await tx.query<{ job_id: string }>(`select job_id from lock where resource = any($1) order by seq limit 1`, [job.locks]);
  if (first !== undefined) return first.job_id;
  await tx.query(`insert into lock (resource, seq, job_id) select resource, $1, $2 from unnest($3::text[]) as resource`, [
    job.seq,
    job.job_id,
    job.locks,
  ]);
  return undefined;
}
