/** DBOS Transact as it is quickest: workflows started and run in one process, each step recorded. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { steps, type Job } from '../ledger.js';
import { poolSize, type EngineOptions, type JobEngine } from './engine.js';
import { openPool } from '../../pool.js';

/** Its settings in all parts of the bench; a process that only reads is another executor. */
export function configureDbos(systemDatabaseUrl: string, executorID: string): void {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl,
    systemDatabasePoolSize: poolSize,
    applicationVersion: '1',
    executorID,
    logLevel: 'error',
    tracingEnabled: false,
  });
}

/** Opens DBOS. The job's name is its workflow's id; `onStep` is called in the workflow after each step. */
export async function openDbos({
  adminUrl,
  handle,
  onStep = () => Promise.resolve(),
}: EngineOptions & { onStep?: (job: Job, step: number) => Promise<void> }): Promise<JobEngine> {
  const workflow = DBOS.registerWorkflow(
    async (job: Job) => {
      for (let step = 0; step < steps; step += 1) {
        await DBOS.runStep(() => handle(job, step), { name: `step${String(step)}` });
        await onStep(job, step);
      }
    },
    { name: 'job' },
  );
  configureDbos(adminUrl, 'worker');
  await DBOS.launch();
  const admin = openPool(adminUrl, 1);
  return {
    prepare: (job) =>
      Promise.resolve(async () => {
        await DBOS.startWorkflow(workflow, { workflowID: job.job })(job);
      }),
    open: async () => {
      const { rows } = await admin.query<{ open: number }>(
        `select count(*)::int as open from dbos.workflow_status where status <> 'SUCCESS'`,
      );
      return rows[0]?.open ?? NaN;
    },
    settle: () => Promise.resolve(),
    stop: async () => {
      await DBOS.shutdown();
      await admin.end();
    },
  };
}
