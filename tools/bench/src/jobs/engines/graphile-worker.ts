/** graphile-worker: each step is a job that adds the next one, in a queue of its tenant. */
import { Logger, run } from 'graphile-worker';
import { steps, type Job } from '../ledger.js';
import { poolSize, type EngineOptions, type JobEngine } from './engine.js';
import { openPool } from '../../pool.js';

interface Part extends Job {
  step: number;
}

/** Opens a runner of so many workers. */
export async function openGraphileWorker({ adminUrl, handle, concurrency }: EngineOptions): Promise<JobEngine> {
  const pgPool = openPool(adminUrl, poolSize);
  // It asks for this; a connection that is lost fails what it was for.
  pgPool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  const runner = await run({
    pgPool,
    concurrency,
    noHandleSignals: true,
    pollInterval: 500,
    logger: new Logger(() => () => undefined),
    taskList: {
      step: async (payload, { addJob }) => {
        const part = payload as Part;
        await handle(part, part.step);
        if (part.step + 1 < steps) await addJob('step', { ...part, step: part.step + 1 }, { queueName: part.tenant });
      },
    },
  });
  return {
    prepare: (job) =>
      Promise.resolve(async () => {
        await runner.addJob('step', { ...job, step: 0 }, { queueName: job.tenant });
      }),
    open: async () => {
      const { rows } = await pgPool.query<{ open: number }>('select count(*)::int as open from graphile_worker._private_jobs');
      return rows[0]?.open ?? NaN;
    },
    settle: () => Promise.resolve(),
    stop: async () => {
      await runner.stop();
      await pgPool.end();
    },
  };
}
