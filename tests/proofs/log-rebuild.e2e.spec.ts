/**
 * Projections are rebuilt while they serve: no read is wrong, incomplete or older than asked for, whatever dies.
 *
 * A long log is written beforehand. Then the audit service's projections are rebuilt over the API, while events are
 * appended, readers ask for what was just appended, and the audit service is killed in between. In the end each table is
 * what a fold of the whole log in memory makes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type ControlPlaneService } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { createAppender, headPosition, listProjections, readLog, waitForProjection, type StoredEvent } from '@fairlead/event-log';
import { openDatabase, roleOf, schemaOf, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder } from '@fairlead/testing';
import { fold } from '../../apps/audit/src/projections/aggregate-summary/evolve.js';
import { listAggregates } from '../../apps/audit/src/projections/aggregate-summary/query.js';
import type { AggregateSummary } from '../../apps/audit/src/projections/aggregate-summary/type.js';
import { recordOf } from '../../apps/audit/src/projections/audit-record/evolve.js';
import { listRecords } from '../../apps/audit/src/projections/audit-record/query.js';
import { Operator } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';

const { full, random, figures, raw } = proof();
const events = full ? 1_000_000 : 8_000;
const kills = full ? 4 : 1;
const patienceMs = full ? 600_000 : 60_000;
const logger = createLogger({ service: 'test', level: 'silent' });

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
  const read = (name: string) => readFileSync(join(stack.stateDir, name), 'utf8').trim();
  const { postgres } = JSON.parse(read('ports.json')) as { postgres: number };
  return openDatabase({
    url: `postgres://${roleOf(service)}@127.0.0.1:${String(postgres)}/fairlead`,
    password: read(`secrets/${service}.database-password`),
    schema: schemaOf(service),
    poolSize: 4,
    applicationName: 'test-rebuild',
    logger,
  });
}

const payloadOf = (shard: string, revision: number) =>
  ({ kind: 'aggregate', shard_id: shard, endpoints: [], weight: 1, labels: {}, state: 'active', revision, epoch: 1 }) as const;

/** The log as it is before the rebuild, and the projections that follow it as far. */
async function writeLog(): Promise<void> {
  const each = 2_000;
  for (let written = 0; written < events; written += each) {
    const list = Array.from({ length: each }, (_, n) => {
      const shard = `bulk-${(written + n) % 977}`;
      const meta = { principal: `user:usr_${n % 7}`, request_id: `bulk-${written + n}`, correlation_id: 'bulk', tenant_id: `t${n % 50}` };
      return { aggregate_type: 'shard', aggregate_id: shard, type: 'shard_changed', payload: payloadOf(shard, written + n), meta };
    });
    const commands = [{ command_id: newId('command'), events: list }];
    await placement.query('select last_position from log.append($1::jsonb)', [JSON.stringify(commands)]);
  }
}

interface Reader {
  stop(): Promise<{ reads: number; refused: number; appended: number }>;
}

type Page = { items: { position: number; request_id: string }[]; position: number };

/** Appends an event, reads it over the API, on and on; every answer has exactly it, and the newest page never goes back. */
function startReader(): Reader {
  const aborter = new AbortController();
  const appender = createAppender({ sql: placement });
  const tally = { reads: 0, refused: 0, appended: 0 };
  let newest = 0;
  const ask = async (query: string): Promise<Page> =>
    eventually(
      async () => {
        const { status, body } = await ann.get<Page>(`/admin/v1/audit?${query}`);
        if (status === 200) return body;
        // The service is being started again, or has not come so far: it says so instead of an old answer.
        expect(status).toBe(503);
        tally.refused += 1;
        return undefined;
      },
      { timeoutMs: patienceMs, what: 'an answer' },
    );
  const running = (async () => {
    while (!aborter.signal.aborted) {
      const requestId = newId('request');
      const shard = `live-${tally.appended % 13}`;
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
      const found = await ask(`request_id=${requestId}&wait_for=${outcome.lastPosition}`);
      expect(found.items.map(({ position }) => position)).toEqual([outcome.lastPosition]);
      const page = await ask('limit=50');
      const [first] = page.items;
      expect(first?.position).toBeGreaterThanOrEqual(Math.max(newest, outcome.lastPosition));
      // Whole: every event has its record, so a page of all has no gap.
      expect(page.items.map(({ position }) => position)).toEqual(page.items.map((_, n) => (first?.position ?? 0) - n));
      newest = first?.position ?? 0;
      tally.reads += 2;
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

/** Kills the audit service when the rebuild has come to some places of the log, and notes the progress it shows. */
async function rebuilt(name: string): Promise<{ seconds: number; killed: number }> {
  const before = await serving(name);
  const startedAt = performance.now();
  const { status } = await ann.post(`/admin/v1/projections/${name}/rebuild`, { reason: 'proof' });
  expect(status).toBe(202);
  const places = Array.from({ length: kills }, () => Math.floor(random() * events * 0.9)).sort((a, b) => a - b);
  let killed = 0;
  await eventually(
    async () => {
      const [state] = await listProjections(audit, name);
      const filling = state?.epochs.find((epoch) => epoch.rebuild !== null);
      if (filling?.rebuild) {
        const { head, eventsPerSecond } = filling.rebuild;
        const left = eventsPerSecond === undefined ? null : Math.round((head - filling.position) / eventsPerSecond);
        raw.push({ name, position: filling.position, head, events_per_second: eventsPerSecond ?? null, eta_s: left });
        const place = places[0];
        const pid = stack.pids()['audit'];
        if (place !== undefined && filling.position >= place && pid !== undefined) {
          places.shift();
          killed += 1;
          process.kill(pid, 'SIGKILL');
          await eventually(() => stack.pids()['audit'] !== pid, { what: 'the audit service to be gone' });
        }
      }
      return (await serving(name)) > before;
    },
    { timeoutMs: patienceMs, intervalMs: 25, what: `${name} to be rebuilt` },
  );
  return { seconds: (performance.now() - startedAt) / 1_000, killed };
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
    const readers = [startReader(), startReader()];
    const found = Object.fromEntries(
      await Promise.all(['audit_record', 'aggregate_summary'].map(async (name) => [name, await rebuilt(name)] as const)),
    );
    const tallies = await Promise.all(readers.map((reader) => reader.stop()));
    const reads = tallies.reduce((sum, tally) => sum + tally.reads, 0);
    for (const tally of tallies) expect(tally.reads).toBeGreaterThan(0);

    let until = 0;
    let aggregates: unknown;
    const summaries = new Map<string, AggregateSummary>();
    for (let level = false; !level; level = (await headPosition(audit)) === until) {
      const head = await headPosition(audit);
      for (const name of Object.keys(found)) await waitForProjection({ sql: audit, name, position: head, timeoutMs: patienceMs });
      for await (const page of wholeLog(until, head)) {
        const records = page.map(recordOf).reverse();
        const listed = await listRecords(audit, {}, { before: (records[0]?.position ?? 0) + 1, limit: records.length });
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
      reads,
      refused_with_503: tallies.reduce((sum, tally) => sum + tally.refused, 0),
      appended_meanwhile: tallies.reduce((sum, tally) => sum + tally.appended, 0),
      rebuilds: found,
      records_compared: until,
      aggregates_compared: summaries.size,
    });
  }, 1_800_000);
});
