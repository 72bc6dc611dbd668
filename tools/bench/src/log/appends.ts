/** Appends a second: ours beside the peers and beside plain inserts. */
import pg from 'pg';
import { compare, median, type Goal, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import type { Appended, AppendingOptions } from './appending.js';
import { inProcesses } from './processes.js';
import { clusterOf, type Access, type Cluster } from './servers.js';
import { categories, rowsAtOnce, rowsTable, storeNames, type StoreName } from './stores.js';

interface Setting {
  appenders: number;
  processes: number;
  /** By peer; a peer that is not named is only shown. */
  goals: Partial<Record<StoreName, Goal>>;
  /** Shown beside message-db with one category: what it does when nobody wants an order of all. */
  categories?: boolean;
}

const stores = storeNames;
const settings: readonly Setting[] = [
  { appenders: 1, processes: 1, goals: { 'message-db': { atLeast: 0.9 } } },
  { appenders: 8, processes: 1, goals: {} },
  { appenders: 64, processes: 1, goals: { rows: { atLeast: 0.5 } } },
  { appenders: 64, processes: 4, categories: true, goals: { 'message-db': { atLeast: 5 }, emmett: { atLeast: 5 } } },
];
const slowDisk: readonly Setting[] = [{ appenders: 64, processes: 1, goals: { 'message-db': { atLeast: 10 } } }];
const peerNames: Partial<Record<StoreName, string>> = {
  'message-db': 'message-db 1.3.1',
  'message-db-categories': `message-db, ${String(categories)} categories`,
  emmett: 'Emmett 0.42.0',
  rows: `INSERT of ${String(rowsAtOnce)} rows`,
};

/** Databases for all that are compared, and how much was appended to each: what is counted in the end. */
export interface Arena {
  access: Readonly<Record<StoreName, Access>>;
  appended: Record<StoreName, number>;
}

/** The part `appends`. */
export async function measureAppends(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const arena = await openArena(cluster);
  const rows: Row[] = [];
  for (const setting of settings) rows.push(...(await measure(run, arena, setting, '')));
  // A commit that takes 2 ms, as over a network to a standby; asked for at each commit, whoever else is there.
  await cluster.set({ commit_delay: '2000', commit_siblings: '0' });
  for (const setting of slowDisk) rows.push(...(await measure(run, arena, setting, ', commits of 2 ms')));
  await cluster.set({ commit_delay: '0', commit_siblings: '5' });
  await checkAll(arena);
  return rows;
}

/** Makes the databases, with nothing appended. */
export async function openArena(cluster: Cluster): Promise<Arena> {
  const access = {
    ours: await cluster.eventLog('ours'),
    'message-db': await cluster.messageDb('message_db'),
    'message-db-categories': await cluster.messageDb('message_db_categories'),
    emmett: await cluster.emmett('emmett'),
    rows: await cluster.empty('rows'),
  };
  await query(access.rows.adminUrl, rowsTable);
  return { access, appended: { ours: 0, 'message-db': 0, 'message-db-categories': 0, emmett: 0, rows: 0 } };
}

async function measure(run: BenchRun, arena: Arena, setting: Setting, conditions: string): Promise<Row[]> {
  // Rows are inserted by one connection, whatever the others do; they stand beside one process.
  const compared = stores.filter((store) => {
    if (store === 'message-db-categories') return setting.categories === true;
    return store !== 'rows' || setting.goals.rows !== undefined;
  });
  const rates: Partial<Record<StoreName, number[]>> = {};
  const rounds = run.quick ? 1 : 5;
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < compared.length; turn += 1) {
      // Each begins once in a while: the first of a round may have it colder.
      const store = compared[(round + turn) % compared.length] ?? 'ours';
      const results = await append(
        arena,
        store,
        setting,
        `${String(setting.appenders)}x${String(setting.processes)}r${String(round)}${conditions === '' ? '' : 's'}`,
        run.quick ? 400 : 2_000,
      );
      (rates[store] ??= []).push(rateOf(results));
      run.log(`  ${describe(setting)}${conditions}: ${store.padEnd(10)} ${tell(results)}`);
    }
  }
  return compared
    .filter((store) => store !== 'ours')
    .map((store) =>
      compare({
        metric: `appends, ${describe(setting)}${conditions}`,
        unit: '/s',
        ours: rates.ours ?? [],
        peer: rates[store] ?? [],
        peerName: peerNames[store] ?? store,
        goal: setting.goals[store],
      }),
    );
}

async function append(arena: Arena, store: StoreName, setting: Setting, label: string, ms: number): Promise<Appended[]> {
  const processes = store === 'rows' ? 1 : setting.processes;
  const appenders = store === 'rows' ? 1 : setting.appenders / processes;
  const list = Array.from({ length: processes }, (_, n): AppendingOptions => ({
    store,
    url: arena.access[store].url,
    appenders,
    label: `${label}p${String(n)}`,
    ms,
  }));
  const results = await inProcesses('append', list);
  const factor = store === 'rows' ? rowsAtOnce : 1;
  for (const result of results) arena.appended[store] += result.total * factor;
  return results.map((result) => ({ ...result, count: result.count * factor }));
}

/** Throws unless each store holds what was appended to it, ours without a gap. */
export async function checkAll({ access, appended }: Arena): Promise<void> {
  const found: Record<StoreName, unknown> = {
    ours: await query(
      access.ours.adminUrl,
      'select count(*)::text, max(position)::text as last, (select position::text from log.head) as head from log.event',
    ),
    'message-db': await query(access['message-db'].adminUrl, 'select count(*)::text from message_store.messages'),
    'message-db-categories': await query(access['message-db-categories'].adminUrl, 'select count(*)::text from message_store.messages'),
    emmett: await query(access.emmett.adminUrl, 'select count(*)::text from emt_messages'),
    rows: await query(access.rows.adminUrl, 'select count(*)::text from row_of_event'),
  };
  for (const store of stores) {
    const expected = String(appended[store]);
    const wanted = store === 'ours' ? { count: expected, last: expected, head: expected } : { count: expected };
    if (JSON.stringify(found[store]) !== JSON.stringify(wanted)) {
      throw new Error(`${store} holds ${JSON.stringify(found[store])}, and not ${JSON.stringify(wanted)}`);
    }
  }
}

export async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Several statements have several results.
    return [await client.query<Record<string, string>>(sql)].flat().at(-1)?.rows[0];
  } finally {
    await client.end();
  }
}

export function rateOf(results: readonly Appended[]): number {
  const seconds = Math.max(...results.map((result) => result.elapsedMs)) / 1_000;
  return results.reduce((sum, result) => sum + result.count, 0) / seconds;
}

function tell(results: readonly Appended[]): string {
  const latency = `${median(results.map((result) => result.p50Ms)).toFixed(2)}/${median(results.map((result) => result.p99Ms)).toFixed(2)} ms`;
  return `${rateOf(results).toFixed(0).padStart(7)} /s  p50/p99 ${latency}`;
}

function describe({ appenders, processes }: Setting): string {
  const who = appenders === 1 ? '1 appender' : `${String(appenders)} appenders`;
  return processes === 1 ? who : `${who} in ${String(processes)} processes`;
}
