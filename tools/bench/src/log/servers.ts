/** The Postgres of a run: one cluster, flushed to disk, with a database for us and one for each peer. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { installEventLog } from '@fairlead/event-log';
import { removePostgres, startNats, startPostgres, type RunningNats } from '@fairlead/local-servers';
import { prepareDatabase, roleOf, runMigrations, withPassword, type AdminAccess, type MigrationClass } from '@fairlead/postgres';
import type { BenchRun } from '../run.js';

/** A database and how to connect to it: a URL with a password. */
export interface Access {
  url: string;
  /** The same as superuser. */
  adminUrl: string;
}

export interface Cluster {
  /** Of the server. */
  readonly pid: number;
  /** A new database with the event log and a service's tables, for its role. */
  eventLog(name: string, of?: { service: ControlPlaneService; migrations: readonly MigrationClass[] }): Promise<Access>;
  /** A new database with message-db, for its role. */
  messageDb(name: string): Promise<Access>;
  /** A new database with Emmett's event store. */
  emmett(name: string): Promise<Access>;
  /** A new database with nothing in it. */
  empty(name: string): Promise<Access>;
  /** Changes settings of the whole cluster at once. */
  set(settings: Readonly<Record<string, string>>): Promise<void>;
}

const clusters = new WeakMap<BenchRun, Promise<Cluster>>();

/** The run's Postgres, started when it is first asked for; it ends with the run. */
export function clusterOf(run: BenchRun): Promise<Cluster> {
  const cluster = clusters.get(run) ?? startCluster(run);
  clusters.set(run, cluster);
  return cluster;
}

/** Starts a NATS server of its own, every acknowledged message on disk; it ends with the run. */
export async function startBus(run: BenchRun, name: string): Promise<RunningNats> {
  const nats = await startNats({ dir: join(run.folder, name), log: run.log });
  run.defer(() => nats.stop());
  return nats;
}

async function startCluster(run: BenchRun): Promise<Cluster> {
  // As much as the stack gives it (deploy/swarm/data.yml): with less, who fills many pages is measured by how they are written out.
  const options = { dir: join(run.folder, 'postgres'), log: run.log, sharedBuffers: '1GB' };
  const server = await startPostgres(options);
  run.defer(async () => {
    await server.stop();
    await removePostgres(options);
  });
  const password = randomBytes(18).toString('base64url');
  const passwords = Object.fromEntries(controlPlaneServices.map((name) => [name, password])) as Record<ControlPlaneService, string>;
  const adminUrl = (database: string) => withPassword(server.adminUrl.replace(/\/postgres$/, `/${database}`), server.adminPassword);
  const roleUrl = (role: string, database: string) => `postgres://${role}:${password}@${server.host}:${String(server.port)}/${database}`;
  const admin = (database: string): AdminAccess => ({ adminUrl: server.adminUrl, adminPassword: server.adminPassword, database });
  const empty = async (name: string): Promise<Access> => {
    await statements(adminUrl('postgres'), [`create database ${name}`]);
    return { url: adminUrl(name), adminUrl: adminUrl(name) };
  };
  const cluster: Cluster = {
    pid: server.pid,
    empty,
    async eventLog(name, { service, migrations } = { service: 'placement', migrations: [] }) {
      await prepareDatabase({ ...admin(name), passwords });
      await installEventLog(admin(name));
      await runMigrations({ ...admin(name), service, migrations });
      return { url: roleUrl(roleOf(service), name), adminUrl: adminUrl(name) };
    },
    async messageDb(name) {
      await empty(name);
      await statements(adminUrl(name), messageDbFiles().map(read));
      await statements(adminUrl(name), [
        `alter role message_store login password '${password}'`,
        'alter role message_store set search_path = message_store, public',
      ]);
      return { url: roleUrl('message_store', name), adminUrl: adminUrl(name) };
    },
    async emmett(name) {
      const access = await empty(name);
      const store = getPostgreSQLEventStore(access.url);
      await store.schema.migrate();
      await store.close();
      return access;
    },
    async set(settings) {
      const changes = Object.entries(settings).map(([setting, value]) => `alter system set ${setting} = '${value}'`);
      await statements(adminUrl('postgres'), [...changes, 'select pg_reload_conf()']);
    },
  };
  // The disk's own pace, not that of checkpoints, which would fall on whoever has the turn.
  await cluster.set({ max_wal_size: '4GB', checkpoint_timeout: '30min' });
  return cluster;
}

async function statements(url: string, list: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of list) await client.query(statement);
  } finally {
    await client.end();
  }
}

const read = (file: string) => `set search_path = message_store, public; ${readFileSync(file, 'utf8')}`;

/** What message-db's install.sh runs, in its order. */
function messageDbFiles(): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@eventide/message-db/package.json')), 'database');
  const listed = ['install-functions.sh', 'install-indexes.sh', 'install-views.sh', 'install-privileges.sh'].flatMap((script) =>
    [...readFileSync(join(folder, script), 'utf8').matchAll(/\$base\/(\S+\.sql)/g)].map((match) => match[1] ?? ''),
  );
  const files = ['roles/message-store.sql', 'schema/message-store.sql', 'extensions/pgcrypto.sql', 'tables/messages.sql', ...listed];
  return files.map((file) => join(folder, file)).filter((file) => existsSync(file) || missing(file));
}

function missing(file: string): never {
  throw new Error(`message-db has no ${file}`);
}
