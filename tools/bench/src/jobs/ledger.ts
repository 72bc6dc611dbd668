/** What the steps of jobs do, the same in every engine, and whether each was done once. */
import { openPool } from '../pool.js';

/** Steps of each job. */
export const steps = 5;

/** A job of the bench: one of many tenants', named so that nothing else is. */
export interface Job {
  job: string;
  tenant: string;
}

/** `count`: a step is counted in the worker's memory, so that nothing but the engine is measured. `row`: it commits a row of its own. */
export type Effect = 'count' | 'row';

export const ledgerTable = 'create table bench_ledger (job text not null, step int not null)';

export interface Ledger {
  /** The effect of a step. */
  act(job: string, step: number): Promise<void>;
  /** Throws unless each of the jobs, and no other, had each of its steps once. */
  check(jobs: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the ledger of one process, whose jobs' names begin with the label; rows go to `bench_ledger` of the database. */
export function openLedger({ effect, url, label }: { effect: Effect; url: string; label: string }): Ledger {
  const done = new Map<string, number>();
  const count = (job: string, step: number) => {
    const key = `${job}/${String(step)}`;
    done.set(key, (done.get(key) ?? 0) + 1);
  };
  const checkCounts = (jobs: readonly string[]) => {
    const expected = jobs.flatMap((job) => Array.from({ length: steps }, (_, step) => `${job}/${String(step)}`));
    const wrong = expected.filter((key) => done.get(key) !== 1);
    if (wrong.length > 0) throw new Error(`${String(wrong.length)} steps were not done once, such as ${wrong[0] ?? ''}`);
    if (done.size !== expected.length)
      throw new Error(`${String(done.size)} steps were done, and ${String(expected.length)} were asked for`);
  };
  if (effect === 'count') {
    return {
      act: (job, step) => {
        count(job, step);
        return Promise.resolve();
      },
      check: (jobs) => Promise.resolve(jobs).then(checkCounts),
      close: () => Promise.resolve(),
    };
  }
  const pool = openPool(url, 20);
  return {
    act: async (job, step) => {
      await pool.query({ name: 'ledger', text: 'insert into bench_ledger (job, step) values ($1, $2)', values: [job, step] });
    },
    check: async (jobs) => {
      const { rows } = await pool.query<{ job: string; step: number; times: number }>(
        'select job, step, count(*)::int as times from bench_ledger where job like $1 group by job, step',
        [`${label}-%`],
      );
      for (const { job, step, times } of rows) for (let n = 0; n < times; n += 1) count(job, step);
      checkCounts(jobs);
    },
    close: () => pool.end(),
  };
}
