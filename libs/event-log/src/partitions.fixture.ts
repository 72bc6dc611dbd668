/** A log whose partitions hold 100 positions, so that a spec fills several of them. */
import { randomBytes } from 'node:crypto';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { openDatabase, prepareDatabase, type AdminAccess, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import type { TestDatabase } from '@fairlead/testing';
import { installEventLog } from './index.js';

export interface PartitionedDatabase {
  /** The pool of `placement`. */
  readonly db: Database;
  /** For installEventLog and the like. */
  readonly access: AdminAccess;
  /** Closes the pool and drops the database. */
  drop(): Promise<void>;
}

/** Makes such a database beside another one, whose cluster and passwords it shares; the caller drops it first. */
export async function partitionedDatabase(beside: TestDatabase): Promise<PartitionedDatabase> {
  const access = { ...beside.admin, database: `test_${randomBytes(8).toString('hex')}` };
  const passwords = Object.fromEntries(controlPlaneServices.map((service) => [service, beside.access(service).password]));
  await prepareDatabase({ ...access, passwords: passwords as Record<ControlPlaneService, string> });
  await installEventLog({ ...access, partitionSize: 100 });
  const { url, password } = beside.access('placement');
  const db = await openDatabase({
    url: url.replace(beside.name, access.database),
    password,
    schema: 'placement',
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  return {
    db,
    access,
    drop: async () => {
      await db.close();
      await beside.adminSql.query(`drop database ${access.database} with (force)`);
    },
  };
}
