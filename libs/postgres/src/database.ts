import pg from 'pg';
import { DataSource, type EntityManager, type EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { FairleadError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { isUntrusted, unavailableWhenLost } from './errors.js';
import { createOrmLogger } from './orm-logger.js';
import { openPipeline, type Pipeline } from './pipeline.js';
import type { Sql } from './sql.js';
import { databaseTarget } from './tls.js';

/** One open transaction, for raw statements and for TypeORM entities alike. */
export interface Transaction extends Sql {
  readonly manager: EntityManager;
}

/** A service's connection pool, limited to what its role may do. */
export interface Database extends Sql {
  readonly dataSource: DataSource;
  /** Commits when the work resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A connection of its own for statements that are given without waiting for the ones before; closed with the pool. */
  pipeline(): Pipeline;
  /** Throws unless Postgres answers. */
  ping(): Promise<void>;
  /** Names of migrations that this build has and the database has not. */
  pendingMigrations(): Promise<string[]>;
  close(): Promise<void>;
}

/** A migration class; its name ends in the 13-digit timestamp that orders it. */
export type MigrationClass = new () => MigrationInterface;
/** An entity class or schema, as TypeORM takes it. */
export type EntityClass = (new () => object) | EntitySchema;

export interface DatabaseOptions {
  /** `postgres://role@host:port/database`, without a password; with what it says of TLS (tls.ts). */
  url: string;
  password: string;
  /** The service's own schema. */
  schema: string;
  entities?: readonly EntityClass[];
  migrations?: readonly MigrationClass[];
  /** Connections at most. */
  poolSize?: number;
  applicationName: string;
  logger: Logger;
}

/** pg and TypeORM take an empty password from a URL without one, whatever else they are given. */
export function withPassword(url: string, password: string): string {
  const complete = new URL(url);
  complete.password = password;
  return complete.href;
}

const connectTimeoutMs = 10_000;

/**
 * A connection can end while nobody listens for errors: in the very packet that makes it ready, or between two statements
 * of whoever has it. Unheard, that would end the process; the next statement fails anyway.
 */
class Connection extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

/**
 * Opens a pool. Resolves when Postgres has answered once; throws FairleadError('unavailable') when it does not
 * within 10 s, or is not the one that the URL's CA vouches for; ConfigError when the URL's TLS is of no use. Later outages are ridden
 * out: the pool makes new connections as they are needed.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const ormLogger = createOrmLogger(options.logger);
  const target = databaseTarget(options.url, options.logger);
  const connectionString = withPassword(target.url, options.password);
  const dataSource = new DataSource({
    type: 'postgres',
    url: connectionString,
    schema: options.schema,
    entities: [...(options.entities ?? [])],
    synchronize: false,
    parseInt8: true,
    applicationName: options.applicationName,
    poolErrorHandler: (error: unknown) => {
      options.logger.warn({ err: error }, 'an idle Postgres connection was lost');
    },
    logger: ormLogger,
    connectTimeoutMS: connectTimeoutMs,
    poolSize: options.poolSize ?? 10,
    extra: { keepAlive: true, Client: Connection, ssl: target.ssl },
  });
  try {
    await dataSource.initialize();
  } catch (cause) {
    const what = isUntrusted(cause) ? 'There is no TLS with Postgres, as DATABASE_URL wants it' : 'Postgres does not answer';
    throw new FairleadError('unavailable', what, { cause });
  }
  const pipelines: Pipeline[] = [];
  // A statement by itself needs no runner of TypeORM's, which would cost a process as much as the statement does.
  const pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
  const query = async <T>(text: string, params: readonly unknown[] = [], preparedAs?: string): Promise<T[]> => {
    let connection: pg.PoolClient | undefined;
    try {
      connection = await pool.connect();
      return await ask<T>(connection, text, params, preparedAs);
    } catch (error) {
      ormLogger.logQueryError(error as Error, text);
      throw unavailableWhenLost(error);
    } finally {
      // One that has ended is not taken again.
      connection?.release();
    }
  };
  return {
    dataSource,
    query,
    transaction: async (work) => {
      try {
        return await dataSource.transaction((manager) =>
          work({ manager, query: (text, params, preparedAs) => queryWith(manager, text, params ?? [], preparedAs) }),
        );
      } catch (error) {
        throw unavailableWhenLost(error);
      }
    },
    pipeline: () => {
      const pipeline = openPipeline({
        connectionString,
        ssl: target.ssl,
        application_name: options.applicationName,
        connectionTimeoutMillis: connectTimeoutMs,
        keepAlive: true,
      });
      pipelines.push(pipeline);
      return pipeline;
    },
    ping: async () => {
      await query('select 1');
    },
    pendingMigrations: () => pendingMigrations({ query }, options.schema, options.migrations ?? []),
    close: async () => {
      await Promise.all(pipelines.map((pipeline) => pipeline.close()));
      await dataSource.destroy();
    },
  };
}

function queryWith<T>(manager: EntityManager, text: string, params: readonly unknown[], preparedAs?: string): Promise<T[]> {
  const runner = manager.queryRunner;
  if (runner === undefined) throw new Error('a transaction has a query runner');
  return runWith(runner, text, params, preparedAs);
}

/** TypeORM prepares nothing; the connection that its runner holds does. */
async function runWith<T>(runner: QueryRunner, text: string, params: readonly unknown[], preparedAs: string | undefined): Promise<T[]> {
  if (preparedAs === undefined) return (await runner.query(text, [...params], true)).records as T[];
  return ask((await runner.connect()) as pg.PoolClient, text, params, preparedAs);
}

async function ask<T>(connection: pg.PoolClient, text: string, params: readonly unknown[], preparedAs: string | undefined): Promise<T[]> {
  const name = preparedAs === undefined ? {} : { name: preparedAs };
  return (await connection.query({ ...name, text, values: [...params] })).rows as T[];
}

async function pendingMigrations(sql: Sql, schema: string, migrations: readonly MigrationClass[]): Promise<string[]> {
  if (migrations.length === 0) return [];
  const names = migrations.map((migration) => migration.name);
  const [table] = await sql.query<{ found: string | null }>(`select to_regclass($1)::text as found`, [`${schema}.migration`]);
  if (table?.found == null) return names;
  const applied = await sql.query<{ name: string }>(`select name from ${schema}.migration`);
  const known = new Set(applied.map((row) => row.name));
  return names.filter((name) => !known.has(name));
}
