/** What a whole stack has written down: its database, read as the orchestrator, and its log files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog, type StoredEvent } from '@fairlead/event-log';
import { openStackDatabase } from './stack-database.js';

export interface JobRecord {
  status: string;
  owner: string | null;
  fence: number;
  direction: string;
  cursor: number;
  /** With the fence of each one's last run. */
  steps: { name: string; status: string; attempts: number; fence: number }[];
}

export interface Records {
  /** All committed events after a position. */
  events(after?: number): Promise<StoredEvent[]>;
  job(jobId: string): Promise<JobRecord>;
  /** The log lines of a stack's processes that hold a text. */
  logLines(text: string): string[];
  close(): Promise<void>;
}

/** Opens the records of the stack in a state folder. */
export async function openRecords(stateDir: string): Promise<Records> {
  const db = await openStackDatabase(stateDir, 'job-orchestrator', { applicationName: 'test-records', poolSize: 2 });
  return {
    async events(after = 0) {
      const events: StoredEvent[] = [];
      for (;;) {
        const more = await readLog(db, { after: events.at(-1)?.position ?? after, limit: 1_000 });
        if (more.length === 0) return events;
        events.push(...more);
      }
    },
    async job(jobId) {
      const [job] = await db.query<Omit<JobRecord, 'steps'>>('select status, owner, fence, direction, cursor from job where job_id = $1', [
        jobId,
      ]);
      if (job === undefined) throw new Error(`there is no job ${jobId}`);
      const steps = await db.query<JobRecord['steps'][number]>(
        'select name, status, attempts, fence from step where job_id = $1 order by index',
        [jobId],
      );
      // On the way forward the steps say how far it is.
      const done = steps.filter((step) => step.status === 'succeeded').length;
      return { ...job, cursor: job.direction === 'forward' ? done : job.cursor, steps };
    },
    logLines(text) {
      const folder = join(stateDir, 'logs');
      return readdirSync(folder).flatMap((file) =>
        readFileSync(join(folder, file), 'utf8')
          .split('\n')
          .filter((line) => line.includes(text)),
      );
    },
    close: () => db.close(),
  };
}
