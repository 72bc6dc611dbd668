/** For specs of faults: a Postgres server of their own with the engine's tables, and a log whose lines can be read. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { installEventLog } from '@fairlead/event-log';
import { startPostgres, type RunningPostgres } from '@fairlead/local-servers';
import { openDatabase, prepareDatabase, roleOf, runMigrations, schemaOf, type Database } from '@fairlead/postgres';
import { createLogger, type Logger } from '@fairlead/telemetry';
import { recordServer } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';

const service: ControlPlaneService = 'job-orchestrator';

export interface OwnPostgres {
  /** The server as it runs now. */
  readonly server: () => RunningPostgres;
  /** A pool as the service. */
  open(options: { poolSize: number; logger: Logger }): Promise<Database>;
  /** Kills all its processes, as a crash of the machine would, and starts it again on the same port. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server in a folder of the spec's own, with the log and the job tables in it; its log of writes may be in another folder. */
export async function ownPostgres(dir: string, walFolder?: string): Promise<OwnPostgres> {
  const start = async (port?: number) => {
    // What it has committed is there after a crash.
    const server = await startPostgres({ dir, ...(port === undefined ? {} : { port }), fsync: true, log: () => undefined });
    const data = realpathSync(server.dataDir);
    recordServer({ pid: server.pid, signal: 'SIGQUIT', remove: data.startsWith(realpathSync(dir)) ? [] : [dirname(data)] });
    return server;
  };
  let server = await start();
  if (walFolder !== undefined) {
    await server.stop();
    const [from, to] = [join(server.dataDir, 'pg_wal'), join(walFolder, 'pg_wal')];
    // Across disks, and with whom it belongs to.
    execFileSync('mv', [from, to]);
    symlinkSync(to, from);
    server = await start(server.port);
  }
  const passwords = Object.fromEntries(controlPlaneServices.map((name) => [name, randomBytes(18).toString('base64url')])) as Record<
    ControlPlaneService,
    string
  >;
  const { adminUrl, adminPassword, port } = server;
  const access = { adminUrl, adminPassword, database: 'fairlead' };
  await prepareDatabase({ ...access, passwords });
  await installEventLog(access);
  await runMigrations({ ...access, service, migrations });
  return {
    server: () => server,
    open: (options) =>
      openDatabase({
        url: `postgres://${roleOf(service)}@127.0.0.1:${String(port)}/fairlead`,
        password: passwords[service],
        schema: schemaOf(service),
        applicationName: 'test-faults',
        ...options,
      }),
    crash: async () => {
      server.kill('SIGKILL');
      await server.exited;
      server = await start(port);
    },
    stop: () => server.stop(),
  };
}

/** A log that keeps its warnings and errors: each with its message and the messages and codes of the error and its causes. */
export function keptLog(): { logger: Logger; lines: { level: string; msg: string; err?: unknown }[] } {
  const lines: { level: string; msg: string; err?: unknown }[] = [];
  const destination = {
    write: (text: string) => {
      lines.push(JSON.parse(text) as { level: string; msg: string });
    },
  };
  return { logger: createLogger({ service, level: 'warn', destination }), lines };
}
