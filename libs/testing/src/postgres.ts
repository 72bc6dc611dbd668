/**
 * One PostgreSQL cluster for a Jest run, started by the first test that needs it, with a template database that has
 * the roles, the schemas and the event log. Nothing is flushed to disk.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { installEventLog } from '@fairlead/event-log';
import { startPostgres } from '@fairlead/local-servers';
import { adminClient, prepareDatabase } from '@fairlead/postgres';
import { eventually } from './eventually.js';
import { recordServer, runFolder } from './run.js';

export interface TestPostgres {
  readonly host: string;
  readonly port: number;
  readonly adminUrl: string;
  readonly adminPassword: string;
  /** Of the services' login roles. */
  readonly passwords: Readonly<Record<ControlPlaneService, string>>;
}

export const templateName = 'fairlead_template';
const startTimeoutMs = 120_000;

/** The run's cluster; starts it when this is the first call of the run, in whichever worker. */
export async function testPostgres(): Promise<TestPostgres> {
  const dir = join(runFolder(), 'postgres');
  const ready = join(runFolder(), 'postgres.json');
  if (existsSync(ready)) return readState(ready);
  if (claim(join(runFolder(), 'postgres.claimed'))) {
    try {
      write(ready, await start(dir));
    } catch (error) {
      write(ready, { failed: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }
  await eventually(() => existsSync(ready), {
    timeoutMs: startTimeoutMs,
    intervalMs: 50,
    what: "the run's PostgreSQL, started by another test file",
  });
  return readState(ready);
}

async function start(dir: string): Promise<TestPostgres> {
  const log: string[] = [];
  const server = await startPostgres({ dir, fsync: false, log: (line) => log.push(line) });
  const data = realpathSync(server.dataDir);
  recordServer({ pid: server.pid, signal: 'SIGQUIT', remove: data.startsWith(realpathSync(dir)) ? [] : [dirname(data)] });
  const passwords = Object.fromEntries(controlPlaneServices.map((service) => [service, randomBytes(18).toString('base64url')]));
  const state = {
    host: server.host,
    port: server.port,
    adminUrl: server.adminUrl,
    adminPassword: server.adminPassword,
    passwords: passwords as Record<ControlPlaneService, string>,
  };
  await prepareDatabase({ ...state, database: templateName });
  await installEventLog({ ...state, database: templateName });
  const admin = await adminClient({ ...state, database: 'postgres' });
  try {
    // A template can only be cloned while nobody is connected to it.
    await admin.query(`alter database ${templateName} with is_template true allow_connections false`);
  } finally {
    await admin.end();
  }
  return state;
}

function claim(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function write(file: string, state: object): void {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readState(file: string): TestPostgres {
  const state = JSON.parse(readFileSync(file, 'utf8')) as TestPostgres & { failed?: string };
  if (state.failed !== undefined) throw new Error(`PostgreSQL for this test run did not start: ${state.failed}`);
  return state;
}
