import type pg from 'pg';
import { DataSource, type EntityManager, type EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { FairleadError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { createOrmLogger } from './orm-logger.js';

/**
 * Runs one statement with bound parameters ($1, $2, …) and answers its rows, also those of RETURNING. int8 comes as
 * number. A statement that is run all the time may be given a name: each connection then prepares it once.
 */
export interface Sql {
  query<T>(text: string, params?: readonly unknown[], preparedAs?: string): Promise<T[]>;
}

/** One open transaction, for raw statements and for TypeORM entities alike. */
export interface Transaction extends Sql {
  readonly manager: EntityManager;
}

/** A service's connection pool, limited to what its role may do. */
export interface Database extends Sql {
  readonly dataSource: DataSource;
  /** Commits when the work resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
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
  /** `postgres://role@host:port/database`, without a password. */
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

/** SQLSTATE class 08, admin shutdowns and Node's socket errors: the statement's outcome may be unknown. */
const connectionErrorCodes = new Set(['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', '25P03', '25P04']);

/** True when an error means the connection is gone, not that the statement was refused. */
export function isConnectionError(error: unknown): boolean {
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause ?? (current as { driverError?: unknown }).driverError, depth++
  ) {
    const code = (current as NodeJS.ErrnoException).code ?? '';
    if (connectionErrorCodes.has(code) || code.startsWith('08')) return true;
    if (
      /Connection terminated|connection timeout|Client has encountered a connection error|timeout exceeded when trying to connect/i.test(
        current.message,
      )
    )
      return true;
  }
  return false;
}

/** A lost connection is `unavailable` to whoever asked: a repeat may help. Other errors stay as they are. */
function unavailableWhenLost(error: unknown): unknown {
  if (error instanceof FairleadError || !isConnectionError(error)) return error;
  return new FairleadError('unavailable', 'The connection to Postgres was lost', { cause: error });
}

/** The SQLSTATE of an error from Postgres, or undefined. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = (error as { code?: unknown }).code ?? (error as { driverError?: { code?: unknown } }).driverError?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Opens a pool. Resolves when Postgres has answered once; throws FairleadError('unavailable') when it does not
 * within 10 s. Later outages are ridden out: the pool makes new connections as they are needed.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: withPassword(options.url, options.password),
    schema: options.schema,
    entities: [...(options.entities ?? [])],
    synchronize: false,
    parseInt8: true,
    applicationName: options.applicationName,
    poolErrorHandler: (error: unknown) => {
      options.logger.warn({ err: error }, 'an idle Postgres connection was lost');
    },
    logger: createOrmLogger(options.logger),
    connectTimeoutMS: 10_000,
    poolSize: options.poolSize ?? 10,
    extra: { keepAlive: true },
  });
  try {
    await dataSource.initialize();
  } catch (cause) {
    throw new FairleadError('unavailable', 'Postgres does not answer', { cause });
  }
  heedDeathAtBirth(dataSource);
  const { master: pool } = dataSource.driver as unknown as { master: pg.Pool };
  const query = async <T>(text: string, params: readonly unknown[] = [], preparedAs?: string): Promise<T[]> => {
    if (preparedAs !== undefined) return prepared<T>(pool, { name: preparedAs, text, values: [...params] });
    const runner = dataSource.createQueryRunner();
    try {
      return await runWith<T>(runner, text, params, undefined);
    } catch (error) {
      throw unavailableWhenLost(error);
    } finally {
      await runner.release();
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
    ping: async () => {
      await query('select 1');
    },
    pendingMigrations: () => pendingMigrations({ query }, options.schema, options.migrations ?? []),
    close: () => dataSource.destroy(),
  };
}

/**
 * A connection can end in the very packet that makes it ready, before whoever gets it has begun to listen for errors;
 * unheard, that ends the process. Its first statement fails anyway.
 */
function heedDeathAtBirth(dataSource: DataSource): void {
  const { master } = dataSource.driver as unknown as { master: pg.Pool };
  master.on('connect', (client) => {
    client.on('error', () => undefined);
  });
}

/** TypeORM prepares nothing: past it, on one of the pool's connections. */
async function prepared<T>(pool: pg.Pool, query: { name: string; text: string; values: unknown[] }): Promise<T[]> {
  let lost: Error | undefined;
  let client: pg.PoolClient | undefined;
  try {
    client = await pool.connect();
    return (await client.query(query)).rows as T[];
  } catch (error) {
    if (error instanceof Error && isConnectionError(error)) lost = error;
    throw unavailableWhenLost(error);
  } finally {
    // One whose connection is lost is not given to anybody else.
    client?.release(lost);
  }
}

function queryWith<T>(manager: EntityManager, text: string, params: readonly unknown[], preparedAs?: string): Promise<T[]> {
  const runner = manager.queryRunner;
  if (runner === undefined) throw new Error('a transaction has a query runner');
  return runWith(runner, text, params, preparedAs);
}

/** TypeORM prepares nothing; the connection that its runner holds does. */
async function runWith<T>(runner: QueryRunner, text: string, params: readonly unknown[], preparedAs: string | undefined): Promise<T[]> {
  if (preparedAs === undefined) return (await runner.query(text, [...params], true)).records as T[];
  const connection = (await runner.connect()) as pg.PoolClient;
  return (await connection.query({ name: preparedAs, text, values: [...params] })).rows as T[];
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
