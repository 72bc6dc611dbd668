import pg from 'pg';
import { DataSource } from 'typeorm';
import { controlPlaneServices, dataAccess, type ControlPlaneService } from '@fairlead/contracts';
import { withPassword, type MigrationClass } from './database.js';
import { databaseTarget } from './tls.js';

/** The schema a service owns, such as `job_orchestrator`. */
export function schemaOf(service: ControlPlaneService): string {
  return service.replaceAll('-', '_');
}

/** The login role a service connects as, such as `fairlead_job_orchestrator`. */
export function roleOf(service: ControlPlaneService): string {
  return `fairlead_${schemaOf(service)}`;
}

/** The role that the data browser reads as; nobody can log in as it, and the gateway alone may take it on. */
export const dataReaderRole = 'fairlead_data_reader';

export interface AdminAccess {
  /** A superuser's URL without password, to any database of the cluster; with what it says of TLS. */
  adminUrl: string;
  adminPassword: string;
  database: string;
}

/** One key for all of Fairlead's set-up, so that two set-ups of one cluster take turns. */
const setupLockKey = 7_301_846_025;

/** Runs work alone among all set-ups of the cluster: roles belong to all its databases. */
export async function withSetupLock<T>(access: AdminAccess, work: () => Promise<T>): Promise<T> {
  const client = await adminClient(access, 'postgres');
  try {
    await client.query('select pg_advisory_lock($1)', [setupLockKey]);
    return await work();
  } finally {
    await client.end();
  }
}

/** Opens an admin connection to a database of the cluster; the caller ends it. */
export async function adminClient(access: AdminAccess, database = access.database): Promise<pg.Client> {
  const target = databaseTarget(access.adminUrl);
  const url = new URL(target.url);
  url.pathname = `/${database}`;
  const client = new pg.Client({
    connectionString: withPassword(url.href, access.adminPassword),
    ssl: target.ssl,
    application_name: 'fairlead-setup',
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  return client;
}

/**
 * Creates the database, each service's roles and its schema where they are missing, and sets the login roles'
 * passwords. Safe to repeat. A login role may change rows of its own schema and nothing else; the schema is
 * owned by a role nobody can log in as.
 */
export async function prepareDatabase(options: AdminAccess & { passwords: Readonly<Record<ControlPlaneService, string>> }): Promise<void> {
  await withSetupLock(options, async () => {
    await createRolesAndDatabase(options);
    const client = await adminClient(options);
    try {
      await client.query('revoke create on schema public from public');
      for (const service of controlPlaneServices) await createSchema(client, service);
      // Taken on by name, for one transaction: the gateway has none of its rights otherwise.
      await client.query(`grant ${dataReaderRole} to ${roleOf('api-gateway')} with inherit false, set true`);
    } finally {
      await client.end();
    }
  });
}

async function createRolesAndDatabase(options: AdminAccess & { passwords: Readonly<Record<ControlPlaneService, string>> }): Promise<void> {
  const client = await adminClient(options, 'postgres');
  try {
    for (const service of controlPlaneServices) {
      await createRole(client, `${roleOf(service)}_owner`, 'nologin');
      // DDL takes no bound parameters; escapeLiteral is what pg offers for it.
      await createRole(client, roleOf(service), `login password ${client.escapeLiteral(options.passwords[service])}`);
    }
    await createRole(client, dataReaderRole, 'nologin');
    const existing = await client.query('select 1 from pg_database where datname = $1', [options.database]);
    if (existing.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(options.database)}`);
  } finally {
    await client.end();
  }
}

async function createRole(client: pg.Client, name: string, attributes: string): Promise<void> {
  const existing = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  await client.query(`${existing.rowCount === 0 ? 'create' : 'alter'} role ${client.escapeIdentifier(name)} ${attributes}`);
}

async function createSchema(client: pg.Client, service: ControlPlaneService): Promise<void> {
  const [schema, role, owner] = [schemaOf(service), roleOf(service), `${roleOf(service)}_owner`];
  await client.query(`create schema if not exists ${schema} authorization ${owner}`);
  await client.query(`grant usage on schema ${schema} to ${role}`);
  await client.query(
    `alter default privileges for role ${owner} in schema ${schema} grant select, insert, update, delete on tables to ${role}`,
  );
  await client.query(`alter default privileges for role ${owner} in schema ${schema} grant usage, select on sequences to ${role}`);
  await client.query(`alter role ${role} set search_path = ${schema}`);
}

/**
 * Lets the data browser's role read the columns that `dataAccess` names, of the tables that there are, and nothing else: what it was let
 * read before and is not named any more is closed. Safe to repeat; wants a prepared database.
 */
export async function grantDataAccess(access: AdminAccess): Promise<void> {
  await withSetupLock(access, async () => {
    const client = await adminClient(access);
    try {
      const { rows } = await client.query<{ name: string; columns: string[] }>(
        `select given.name, array_agg(attname::text) as columns
           from unnest($1::text[]) given(name) join pg_attribute on attrelid = to_regclass(given.name)
           where attnum > 0 and not attisdropped group by given.name`,
        [Object.keys(dataAccess)],
      );
      const schemas = [...new Set(rows.map(({ name }) => name.split('.')[0] ?? ''))].join(', ');
      if (schemas === '') return;
      await client.query('begin');
      await client.query(`revoke all on all tables in schema ${schemas} from ${dataReaderRole}`);
      await client.query(`grant usage on schema ${schemas} to ${dataReaderRole}`);
      for (const { name, columns } of rows) {
        const readable = dataAccess[name]?.readable.filter((column) => columns.includes(column)) ?? [];
        if (readable.length === 0) continue;
        const names = readable.map((column) => client.escapeIdentifier(column)).join(', ');
        await client.query(`grant select (${names}) on ${name} to ${dataReaderRole}`);
      }
      await client.query('commit');
    } finally {
      await client.end();
    }
  });
}

/** Applies a service's migrations that the database has not, each in a transaction; answers their names. */
export async function runMigrations(
  options: AdminAccess & { service: ControlPlaneService; migrations: readonly MigrationClass[] },
): Promise<string[]> {
  if (options.migrations.length === 0) return [];
  return withSetupLock(options, async () => {
    const target = databaseTarget(options.adminUrl);
    const url = new URL(target.url);
    url.pathname = `/${options.database}`;
    const schema = schemaOf(options.service);
    const dataSource = new DataSource({
      type: 'postgres',
      url: withPassword(url.href, options.adminPassword),
      schema,
      migrations: [...options.migrations],
      migrationsTableName: 'migration',
      migrationsTransactionMode: 'each',
      applicationName: 'fairlead-migrations',
      poolSize: 2,
      // Everything is created as the schema's owner, never as the superuser.
      extra: { options: `-c role=${roleOf(options.service)}_owner -c search_path=${schema}`, ssl: target.ssl },
    });
    await dataSource.initialize();
    try {
      return (await dataSource.runMigrations()).map((migration) => migration.name);
    } finally {
      await dataSource.destroy();
    }
  });
}
