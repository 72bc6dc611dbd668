/** pg-boss: each step is a job of its queue that sends the next one; one active at a time for a tenant. */
import { PgBoss } from 'pg-boss';
import { steps, type Job } from '../ledger.js';
import { poolSize, type EngineOptions, type JobEngine } from './engine.js';
import { openPool } from '../../pool.js';

interface Part extends Job {
  step: number;
}

/**
 * One worker that takes all it finds at once, sends all their next steps in one insert and is told in this process of what is
 * there.
 */
export async function openPgBoss({ adminUrl, handle, concurrency }: EngineOptions): Promise<JobEngine> {
  const boss = new PgBoss({ connectionString: adminUrl, max: poolSize });
  boss.on('error', (error) => {
    console.error('pg-boss', error.message);
  });
  await boss.start();
  if ((await boss.getQueue('bench')) === null) await boss.createQueue('bench', { policy: 'singleton' });
  const worker = await boss.work<Part, undefined, { batchSize: number; pollingIntervalSeconds: number }>(
    'bench',
    { batchSize: Math.max(2, concurrency), pollingIntervalSeconds: 0.5 },
    async (parts) => {
      await Promise.all(parts.map(({ data }) => handle(data, data.step)));
      const next = parts.filter(({ data }) => data.step + 1 < steps);
      if (next.length === 0) return undefined;
      await boss.insert(
        'bench',
        next.map(({ data }) => ({ data: { ...data, step: data.step + 1 }, singletonKey: data.tenant })),
      );
      boss.notifyWorker(worker);
      return undefined;
    },
  );
  const admin = openPool(adminUrl, 1);
  return {
    prepare: (job) =>
      Promise.resolve(async () => {
        const id = await boss.send('bench', { ...job, step: 0 }, { singletonKey: job.tenant });
        if (id === null) throw new Error(`${job.job} was not sent`);
        boss.notifyWorker(worker);
      }),
    open: async () => {
      const { rows } = await admin.query<{ open: number }>(
        `select count(*)::int as open from pgboss.job where name = 'bench' and state <> 'completed'`,
      );
      return rows[0]?.open ?? NaN;
    },
    settle: () => Promise.resolve(),
    stop: async () => {
      await boss.stop();
      await admin.end();
    },
  };
}
