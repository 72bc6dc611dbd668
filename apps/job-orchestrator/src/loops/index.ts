import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import type { LoopKind } from '../engine/loops.js';
import type { JobDependencies } from '../start-job.js';
import { archiveJobsLoop } from './archive-jobs.js';
import { overdueJobsLoop } from './overdue-jobs.js';
import { schedulesLoop } from './schedules.js';

/** What an operator may set of the periodic checks. */
export interface LoopSettings {
  /** How long a job that has ended stays among those that run. */
  archiveAfterMs: number;
  /** How long an archived job is kept. */
  keepArchivedMs: number;
}

export interface LoopDependencies {
  db: Database;
  logger: Logger;
  jobs: JobDependencies;
  settings: LoopSettings;
}

/** Every kind of periodic check there is. A new one is a file beside these and a line here. */
export function loopKinds(deps: LoopDependencies): LoopKind[] {
  return [archiveJobsLoop(deps), overdueJobsLoop(deps), schedulesLoop(deps)];
}
