/**
 * Projections are rebuilt while they serve: no read is wrong, incomplete or older than asked for, whatever dies.
 *
 * A long log is written beforehand. Then the audit service's projections are rebuilt over the API, while events are
 * appended and readers ask both for what was just appended. The filling is led page by page to places where the audit
 * service is killed in the middle of a page, and where it waits until reads have begun and ended. In the end each table
 * is what a fold of the whole log in memory makes.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type ControlPlaneService } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { createAppender, headPosition, listProjections, readLog, waitForProjection, type StoredEvent } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { eventually, testFolder } from '@fairlead/testing';
import { fold } from '../../apps/audit/src/projections/aggregate-summary/evolve.js';
import { listAggregates } from '../../apps/audit/src/projections/aggregate-summary/query.js';
import type { AggregateSummary } from '../../apps/audit/src/projections/aggregate-summary/type.js';
import { recordOf } from '../../apps/audit/src/projections/audit-record/evolve.js';
import { listRecords } from '../../apps/audit/src/projections/audit-record/query.js';
import { Operator } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';
import { openStackDatabase } from '../e2e/support/stack-database.js';

const { full, random, figures, raw } = proof();
const events = full ? 1_000_000 : 12_000;
const kills = full ? 4 : 1;
/** Of each projection, that begin after its rebuild was asked for and end before its swap; while one page of it is held. */
const readsWithin = 5;
const patienceMs = full ? 600_000 : 60_000;

let stack: Stack;
let ann: Operator;
let audit: Database;
let placement: Database;

beforeAll(async () => {
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: true,
    sim: false,
    restartDelayMs: 50,
    log: () => undefined,
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  [audit, placement] = await Promise.all([openAs('audit'), openAs('placement')]);
  await writeLog();
}, 600_000);

afterAll(async () => {
  await Promise.all([audit.close(), placement.close()]);
  await stack.stop();
}, 60_000);

function openAs(service: ControlPlaneService): Promise<Database> {
  return openStackDatabase(stack.stateDir, service, { applicationName: 'test-rebuild', poolSize: 4 });
}

const payloadOf = (shard: string, revision: number) =>
  ({ kind: 'aggregate', shard_id: shard, endpoints: [], weight: 1, labels: {}, state: 'active', revision, epoch: 1 }) as const;

/** The log as it is before the rebuild, and the projections that follow it as far. */
async function writeLog(): Promise<void> {
  const each = 1_000;
  const appender = createAppender({ sql: placement });
  const commands = Array.from({ length: events / each }, (_, command) => ({
    commandId: newId('command'),
    events: Array.from({ length: each }, (__, n) => {
      const nth = command * each + n;
      const meta = { principal: `user:usr_${nth % 7}`, request_id: `bulk-${nth}`, correlation_id: 'bulk', tenant_id: `t${nth % 50}` };
      const shard = `bulk-${nth % 977}`;
      return { aggregateType: 'shard', aggregateId: shard, type: 'shard_changed', payload: payloadOf(shard, nth), meta } as const;
    }),
  }));
  for (const command of commands) expect(await appender.append(command)).toMatchObject({ status: 'ok' });
  await appender.close();
}

type Name = 'audit_record' | 'aggregate_summary';
/** When a read began and ended, in milliseconds of this process. */
interface Read {
  readonly of: Name;
  readonly began: number;
  readonly ended: number;
}
const allReads: Read[] = [];
const readsOf = (name: Name, since: number, until = Infinity) =>
  allReads.filter(({ of, began, ended }) => of === name && began > since && ended < until).length;

interface Tally {
  refused: number;
  appended: number;
  /** What was answered besides answers and `503`. */
  strange: number[];
}

interface Reader {
  stop(): Promise<Tally>;
}

type Page = { items: { position: number; request_id: string }[]; position: number };

/**
 * Appends an event, reads it over the API, on and on: its record, its aggregate, and the newest page. Every answer has
 * exactly it, and the newest page never goes back.
 */
function startReader(reader: number): Reader {
  const aborter = new AbortController();
  const appender = createAppender({ sql: placement });
  const tally: Tally = { refused: 0, appended: 0, strange: [] };
  let newest = 0;
  const ask = <Body>(of: Name, path: string): Promise<Body> =>
    eventually(
      async () => {
        const began = performance.now();
        const { status, body } = await ann.get<Body>(path);
        if (status === 200) {
          allReads.push({ of, began, ended: performance.now() });
          return body;
        }
        // The service is being started again, or has not come so far: it says so instead of an old answer.
        if (status === 503) tally.refused += 1;
        else tally.strange.push(status);
        return undefined;
      },
      { timeoutMs: patienceMs, what: 'an answer' },
    );
  const running = (async () => {
    while (!aborter.signal.aborted) {
      const requestId = newId('request');
      const shard = `live-${reader}-${tally.appended % 13}`;
      const outcome = await appender.append({
        commandId: newId('command'),
        events: [
          {
            aggregateType: 'shard',
            aggregateId: shard,
            type: 'shard_changed',
            payload: payloadOf(shard, 1),
            meta: { request_id: requestId },
          },
        ],
      });
      if (outcome.status !== 'ok') throw new Error('the append must succeed');
      tally.appended += 1;
      const found = await ask<Page>('audit_record', `/admin/v1/audit?request_id=${requestId}&wait_for=${outcome.lastPosition}`);
      expect(found.items.map(({ position }) => position)).toEqual([outcome.lastPosition]);
      const path = `/admin/v1/log/aggregates/shard/${shard}?wait_for=${outcome.lastPosition}`;
      const aggregate = await ask<{ version: number; last_position: number }>('aggregate_summary', path);
      expect(aggregate).toMatchObject({ last_position: outcome.lastPosition, version: Math.ceil(tally.appended / 13) });
      const page = await ask<Page>('audit_record', '/admin/v1/audit?limit=50');
      const [first] = page.items;
      expect(first?.position).toBeGreaterThanOrEqual(Math.max(newest, outcome.lastPosition));
      // Whole: every event has its record, so a page of all has no gap.
      expect(page.items.map(({ position }) => position)).toEqual(page.items.map((_, n) => (first?.position ?? 0) - n));
      newest = first?.position ?? 0;
    }
    await appender.close();
    return tally;
  })();
  return {
    stop: () => {
      aborter.abort();
      return running;
    },
  };
}

/**
 * Has a projection rebuilt. Its filling is held page by page: at some places of the log the audit service is killed while
 * it is in the middle of a page, and once it waits until reads have come and gone. Notes the progress it shows.
 */
async function rebuilt(name: Name, table: string): Promise<{ seconds: number; killed: number; reads_within: number }> {
  const before = await serving(name);
  const askedAt = performance.now();
  const { status } = await ann.post(`/admin/v1/projections/${name}/rebuild`, { reason: 'proof' });
  expect(status).toBe(202);
  const places = Array.from({ length: kills }, () => Math.floor(random() * events * 0.3)).sort((a, b) => a - b);
  const epoch = await eventually(() => filling(name), { timeoutMs: patienceMs, what: `the rebuild of ${name} to begin` });
  let killed = 0;
  for (const place of places) {
    for (let held = false; !held;) {
      held = await holdingPage(`${table}_e${epoch.epoch}`, async (inPage) => {
        const now = await filling(name);
        expect(now).toBeDefined();
        if (now === undefined || now.position < place || now.furthest === 0) return false;
        await inPage();
        const pid = stack.pids()['audit'];
        if (pid === undefined) return false;
        process.kill(pid, 'SIGKILL');
        killed += 1;
        await eventually(() => stack.pids()['audit'] !== pid, { what: 'the audit service to be gone' });
        return true;
      });
    }
  }
  await holdingPage(`${table}_e${epoch.epoch}`, async (inPage) => {
    await inPage();
    await eventually(() => readsOf(name, askedAt) >= readsWithin, { timeoutMs: patienceMs, what: `reads of ${name}` });
  });
  let last = performance.now();
  await eventually(
    async () => {
      const lookedAt = performance.now();
      if ((await serving(name)) > before) return true;
      // No swap had been made when this was asked.
      last = lookedAt;
      await filling(name);
      return false;
    },
    { timeoutMs: patienceMs, intervalMs: 25, what: `${name} to be rebuilt` },
  );
  return { seconds: (performance.now() - askedAt) / 1_000, killed, reads_within: readsOf(name, askedAt, last) };
}

/** Where the epoch that is being filled stands, if there is one. */
async function filling(name: Name): Promise<{ epoch: number; position: number; furthest: number } | undefined> {
  const [state] = await listProjections(audit, name);
  const found = state?.epochs.find((epoch) => epoch.rebuild !== null);
  if (!found?.rebuild) return undefined;
  const { head, eventsPerSecond } = found.rebuild;
  const left = eventsPerSecond === undefined ? null : Math.round((head - found.position) / eventsPerSecond);
  raw.push({ name, position: found.position, head, events_per_second: eventsPerSecond ?? null, eta_s: left });
  const sql = 'select max(position) as furthest from log.projection_part where name = $1 and epoch = $2';
  const [row] = await audit.query<{ furthest: number }>(sql, [name, found.epoch]);
  return { epoch: found.epoch, position: found.position, furthest: row?.furthest ?? 0 };
}

/**
 * Does something while no page of a table can be written: granted between two pages, it has the next one wait in the
 * middle. `inPage` waits until one does.
 */
async function holdingPage<T>(table: string, work: (inPage: () => Promise<void>) => Promise<T>): Promise<T> {
  return audit.transaction(async (tx) => {
    await tx.query(`lock table ${table} in share row exclusive mode`);
    // A transaction that idles for 5 s is cut off.
    const awake = setInterval(() => void tx.query('select 1').catch(() => undefined), 1_000);
    const waiting = 'select 1 from pg_locks where relation = $1::regclass and not granted';
    try {
      return await work(async () => {
        await eventually(async () => (await audit.query(waiting, [table])).length > 0, {
          timeoutMs: patienceMs,
          what: `a page of ${table}`,
        });
      });
    } finally {
      clearInterval(awake);
    }
  });
}

async function serving(name: string): Promise<number> {
  const [state] = await listProjections(audit, name);
  return state?.epochs.find((epoch) => epoch.serving)?.epoch ?? 0;
}

/** All rows of a table that is listed newest first, page by page. */
async function* rowsOf<Row>(list: (before: number) => Promise<Row[]>, positionOf: (row: Row) => number): AsyncGenerator<Row> {
  for (let page = await list(0); page.length > 0; page = await list(positionOf(page.at(-1) as Row))) yield* page;
}

/** A digest of rows, and how many there are; the order counts, that of their fields does not. */
async function digestOf(rows: AsyncIterable<object> | Iterable<object>): Promise<{ rows: number; digest: string }> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const row of rows) {
    hash.update(JSON.stringify(sorted(row)));
    count += 1;
  }
  return { rows: count, digest: hash.digest('hex') };
}

function sorted(value: unknown): unknown {
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** The log in pages, in order. */
async function* wholeLog(from: number, until: number): AsyncGenerator<StoredEvent[]> {
  for (let after = from; after < until;) {
    const page = await readLog(audit, { after, until, limit: 5_000 });
    if (page.length === 0) throw new Error('the log has no gap');
    yield page;
    after = page.at(-1)?.position ?? after;
  }
}

describe('a rebuild beside appends, reads and kills', () => {
  it('answers every read rightly, and ends with the tables that a fold of the log makes', async () => {
    const readers = [startReader(1), startReader(2)];
    const [record, summary] = await Promise.all([rebuilt('audit_record', 'record'), rebuilt('aggregate_summary', 'aggregate_summary')]);
    const found = { audit_record: record, aggregate_summary: summary };
    const tallies = await Promise.all(readers.map((reader) => reader.stop()));
    for (const { killed, reads_within: reads } of Object.values(found)) {
      expect(killed).toBe(kills);
      expect(reads).toBeGreaterThanOrEqual(readsWithin);
    }
    for (const tally of tallies) expect(tally.strange).toEqual([]);

    let until = 0;
    let aggregates: unknown;
    const summaries = new Map<string, AggregateSummary>();
    for (let level = false; !level; level = (await headPosition(audit)) === until) {
      const head = await headPosition(audit);
      for (const name of Object.keys(found)) await waitForProjection({ sql: audit, name, position: head, timeoutMs: patienceMs });
      for await (const page of wholeLog(until, head)) {
        const records = page.map(recordOf).reverse();
        const { records: listed } = await listRecords(audit, {}, { before: (records[0]?.position ?? 0) + 1, limit: records.length });
        expect(await digestOf(listed)).toEqual(await digestOf(records));
        for (const [key, summary] of fold(summaries, page)) summaries.set(key, summary);
      }
      until = head;
      const listed = rowsOf(
        (before) => listAggregates(audit, {}, { before, limit: 1_000 }),
        (row) => row.lastPosition,
      );
      aggregates = await digestOf(listed);
    }
    const [count] = await audit.query<{ rows: number }>('select count(*) as rows from record where position <= $1', [until]);
    expect(count?.rows).toBe(until);
    expect(aggregates).toEqual(await digestOf([...summaries.values()].sort((a, b) => b.lastPosition - a.lastPosition)));
    Object.assign(figures, {
      events: until,
      reads: allReads.length,
      refused_with_503: tallies.reduce((sum, tally) => sum + tally.refused, 0),
      appended_meanwhile: tallies.reduce((sum, tally) => sum + tally.appended, 0),
      rebuilds: found,
      records_compared: until,
      aggregates_compared: summaries.size,
    });
  }, 1_800_000);
});
