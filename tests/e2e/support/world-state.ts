/** What a whole stack has come to: what its services keep, what was published, what the fleet was commanded. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '@fairlead/dev-env';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { send } from './operator.js';
import { openStackDatabaseAsAdmin } from './stack-database.js';

/**
 * Tables that change by themselves, each with why. All others hold what somebody decided, and a table that is new is one of those until it
 * is entered here.
 */
const byThemselves: Readonly<Record<string, string>> = {
  'api_gateway.session': 'when each was last used',
  'job_orchestrator.replica': 'signs of life',
  'job_orchestrator.loop': 'when each check is due',
  'fleet_observer.endpoint_health': 'what was seen',
  'fleet_observer.endpoint_history': 'what was seen',
  'fleet_observer.last_change': 'what was seen',
  'fleet_observer.round': 'what was seen',
  'audit.chain': 'made of the log',
  'audit.chain_head': 'made of the log',
  'audit.anchor': 'made of the log',
};
/** Epochs' tables of projections, which are made of the log. */
const projected = /^audit\.(record|aggregate_summary)_/;

export interface AdminEffect {
  shard: string;
  tenant_id: string;
  op: string;
  key: string;
  fence: number;
  record: string;
}

export interface WorldState {
  /** Of the last event. */
  readonly head: number;
  /** A digest of each table's rows. */
  readonly tables: Readonly<Record<string, string>>;
  /** The last message of each KV bucket. */
  readonly buckets: Readonly<Record<string, number>>;
  /** What the fleet's ledgers hold of commands. */
  readonly effects: readonly AdminEffect[];
}

export interface WorldReader {
  readonly admin: Database;
  read(): Promise<WorldState>;
  close(): Promise<void>;
}

/** Opens what there is to read of a stack with servers of its own; the caller closes it. */
export async function openWorld(stack: Stack): Promise<WorldReader> {
  const admin = await openStackDatabaseAsAdmin(stack.stateDir, 'audit');
  const messaging = await messagingOf(stack);
  return {
    admin,
    read: async () => ({
      head: (await admin.query<{ position: number }>('select position from log.head'))[0]?.position ?? 0,
      tables: await digestsOf(admin),
      buckets: await bucketsOf(messaging),
      effects: await effectsOf(stack),
    }),
    close: async () => {
      await messaging.close();
      await admin.close();
    },
  };
}

/** Every command that took effect at the fleet, in the order of time. */
export async function effectsOf(stack: Stack): Promise<AdminEffect[]> {
  const { body } = await send<{ items: AdminEffect[]; complete: boolean }>(`${stack.simUrl}/sim/effects`);
  if (!body.complete) throw new Error('the ledgers of the fleet begin later');
  return body.items;
}

/** The tables of all services that hold what somebody decided. */
export async function tablesOf(admin: Database): Promise<string[]> {
  const found = await admin.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema|public|log$)' order by 1`,
  );
  return found.map(({ name }) => name).filter((name) => !(name in byThemselves) && !projected.test(name));
}

async function digestsOf(admin: Database): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of await tablesOf(admin)) {
    const [row] = await admin.query<{ digest: string }>(
      `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${name} t`,
    );
    digests[name] = row?.digest ?? '';
  }
  return digests;
}

async function bucketsOf(messaging: Messaging): Promise<Record<string, number>> {
  const manager = await messaging.manager();
  const last: Record<string, number> = {};
  for await (const { config, state } of manager.streams.list()) if (config.name.startsWith('KV_')) last[config.name] = state.last_seq;
  return last;
}

/** Connects to a stack's own NATS, as its services do; the caller closes it. */
export function messagingOf({ stateDir }: Stack): Promise<Messaging> {
  const read = (name: string) => readFileSync(join(stateDir, name), 'utf8').trim();
  const { nats } = JSON.parse(read('ports.json')) as { nats: number };
  const logger = createLogger({ service: 'test', level: 'silent' });
  const url = `nats://127.0.0.1:${String(nats)}`;
  return connectMessaging({ url, user: 'fairlead', token: read('secrets/nats-token'), namespace: '', name: 'test', logger });
}
