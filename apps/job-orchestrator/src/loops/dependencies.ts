import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import type { JobDependencies } from '../start-job.js';

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
  /** Asked before a schedule's job is begun, as before what a user begins. */
  auditGate: { check(): Promise<void> };
  settings: LoopSettings;
}
