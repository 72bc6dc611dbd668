import { randomBytes } from 'node:crypto';
import type { ControlPlaneService } from '@fairlead/contracts';
import {
  adminClient,
  openDatabase,
  roleOf,
  runMigrations,
  schemaOf,
  type Database,
  type EntityClass,
  type MigrationClass,
  type Sql,
} from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import pg from 'pg';
import { templateName, testPostgres, type TestPostgres } from './postgres.js';

export interface TestDatabase {
  /** The service's own pool, with its role's rights. */
  readonly db: Database;
  /** Statements as superuser. */
  readonly adminSql: Sql;
  readonly name: string;
  /** For a config: `postgres://<role>@…/<name>` of the service, without password, and its password. */
  readonly url: string;
  readonly password: string;
  /** The same for another service's role on this database. */
  access(service: ControlPlaneService): { url: string; password: string };
  /** For runMigrations and the like. */
  readonly admin: { adminUrl: string; adminPassword: string; database: string };
  /** Closes the pools and drops the database. */
  drop(): Promise<void>;
}

/**
 * A database of its own, cloned from the run's template (roles, schemas, event log), with the service's migrations
 * applied and a pool opened as the service. Call `drop()` in afterAll.
 */
export async function testDatabase(options: {
  service: ControlPlaneService;
  migrations?: readonly MigrationClass[];
  entities?: readonly EntityClass[];
}): Promise<TestDatabase> {
  const cluster = await testPostgres();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(cluster, `create database ${name} template ${templateName}`);
  const admin = { adminUrl: cluster.adminUrl, adminPassword: cluster.adminPassword, database: name };
  const access = (service: ControlPlaneService) => ({
    url: `postgres://${roleOf(service)}@${cluster.host}:${String(cluster.port)}/${name}`,
    password: cluster.passwords[service],
  });
  const migrations = options.migrations ?? [];
  await runMigrations({ ...admin, service: options.service, migrations });
  const db = await openDatabase({
    ...access(options.service),
    schema: schemaOf(options.service),
    entities: options.entities ?? [],
    migrations,
    poolSize: 10,
    applicationName: `test-${options.service}`,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  const adminPool = openAdminPool(cluster, name);
  return {
    db,
    adminSql: { query: async <T>(text: string, params: readonly unknown[] = []) => (await adminPool.query(text, [...params])).rows as T[] },
    name,
    ...access(options.service),
    access,
    admin,
    drop: async () => {
      await Promise.all([db.close(), adminPool.end()]);
      await asAdmin(cluster, `drop database if exists ${name} with (force)`);
    },
  };
}

async function asAdmin(cluster: TestPostgres, statement: string): Promise<void> {
  const client = await adminClient({ ...cluster, database: 'postgres' });
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

const int8 = 20;

function openAdminPool(cluster: TestPostgres, database: string): pg.Pool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(int8, Number);
  const connection = { host: cluster.host, port: cluster.port, user: 'postgres', password: cluster.adminPassword, database };
  const pool = new pg.Pool({ ...connection, max: 4, types });
  pool.on('error', () => undefined);
  return pool;
}
