import type { Sql } from '@fairlead/postgres';
import type { JobKind } from '../engine/kind.js';
import type { JobClients, JobSettings } from './clients.js';
import { reload } from './reload.js';
import { tenantDrain } from './tenant-drain.js';
import { tenantMigrate } from './tenant-migrate.js';
import { tenantResume } from './tenant-resume.js';

export interface KindDependencies extends JobClients {
  settings: JobSettings;
  /** The jobs' own tables, for checks like "no other job is on this tenant". */
  sql: Sql;
}

/** Every job kind there is. A new one is a file beside these and a line here. */
export function jobKinds(deps: KindDependencies): JobKind[] {
  return [tenantMigrate(deps), tenantDrain(deps), tenantResume(deps), reload(deps)] as JobKind[];
}
