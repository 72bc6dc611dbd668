// Real: Postgres, in a database whose partitions hold 100 positions.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { eventType, newId, nextVersion, type EventCatalogue } from '@fairlead/contracts';
import type { Database, Sql } from '@fairlead/postgres';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { pageBytes } from './bounded.js';
import { createAppender, readNewest, UnreadableEvent, type Command } from './index.js';
import { partitionedDatabase, type PartitionedDatabase } from './partitions.fixture.js';

const first = eventType(z.strictObject({ name: z.string() }));
const other = eventType(z.strictObject({ text: z.string() }));
const before = { tenant: { permission: 'log.read', types: { named: first, other } } } as const satisfies EventCatalogue;
/** What a later release knows. */
const later = {
  tenant: {
    permission: 'log.read',
    types: {
      named: nextVersion(first, ({ name, ...rest }) => ({ ...rest, title: name }), z.strictObject({ title: z.string() })),
      other,
    },
  },
} as const satisfies EventCatalogue;

let cluster: TestDatabase;
let partitioned: PartitionedDatabase;
let db: Database;

async function appendAll<Catalogue extends EventCatalogue>(catalogue: Catalogue, events: Command<Catalogue>['events']): Promise<void> {
  const appender = createAppender({ catalogue, sql: db });
  // One after the other: large ones would be too much for one command.
  for (const event of events) await appender.append({ commandId: newId('command'), events: [event] });
  await appender.close();
}

const acme = { aggregateType: 'tenant', aggregateId: 'acme' } as const;
const named = (name: string, aggregateId = 'acme') => ({ aggregateType: 'tenant', aggregateId, type: 'named', payload: { name } }) as const;
const newest = (limit: number, from?: number) => readNewest(db, { ...acme, types: ['named'], limit, before: from }, later);

beforeAll(async () => {
  cluster = await testDatabase({ service: 'placement' });
  partitioned = await partitionedDatabase(cluster);
  ({ db } = partitioned);
  for (let n = 1; n <= 80; n += 1)
    await appendAll(before, [
      named(`acme-${String(n)}`),
      { ...acme, type: 'other', payload: { text: 'of another type' } },
      named(`hooli-${String(n)}`, 'hooli'),
    ]);
  await appendAll(later, [{ ...acme, type: 'named', payload: { title: 'acme-81' } }]);
}, 60_000);

afterAll(async () => {
  await partitioned.drop();
  await cluster.drop();
});

it('tells the newest of some types first, across partitions, in the version of now', async () => {
  const told: string[] = [];
  let from: number | undefined;
  for (;;) {
    const events = await newest(30, from);
    if (events.length === 0) break;
    told.push(...events.map(({ payload }) => payload.title));
    from = events.at(-1)?.version;
  }
  expect(told).toEqual(Array.from({ length: 81 }, (_, n) => `acme-${String(81 - n)}`));
  expect((await newest(2)).map(({ version, schemaVersion, position }) => [version, schemaVersion, position])).toEqual([
    [161, 2, 241],
    [159, 2, 238],
  ]);
  expect(await readNewest(db, { aggregateType: 'tenant', aggregateId: 'nobody', types: ['named'], limit: 5 }, later)).toEqual([]);
  expect(await readNewest(db, { ...acme, types: [], limit: 5 }, later)).toEqual([]);
});

it('does not misread what a later release wrote', async () => {
  const read = (from?: number) => readNewest(db, { ...acme, types: ['named'], limit: 1, before: from }, before);
  await expect(read()).rejects.toThrow(UnreadableEvent);
  expect(await read(161)).toMatchObject([{ payload: { name: 'acme-80' } }]);
});

it('finds them by the index of aggregates, and sorts nothing', async () => {
  let asked: [text: string, params: unknown[]] = ['', []];
  const listening: Sql = {
    query: (text, params = []) => {
      asked = [text, [...params]];
      return db.query(text, params);
    },
  };
  await readNewest(listening, { ...acme, types: ['named'], limit: 5 }, later);
  const plan = await db.transaction(async (tx) => {
    // The partitions of this log are so small that it would be quicker to read them whole.
    await tx.query('set local enable_seqscan = off');
    return tx.query<{ 'QUERY PLAN': string }>(`explain ${asked[0]}`, asked[1]);
  });
  const lines = plan.map((row) => row['QUERY PLAN']);
  const scans = lines.filter((line) => line.includes('Scan') && !line.includes('Subquery Scan'));
  expect(scans.length).toBeGreaterThan(2);
  for (const scan of scans) expect(scan).toMatch(/Index Scan Backward using event_\d+_aggregate_type_aggregate_id_version_idx/);
  expect(lines.filter((line) => /\bSort\b/.test(line.replace('Sort Key', '')))).toEqual([]);
});

it('ends a page early when the events are large', async () => {
  const text = randomBytes(100 * 1024).toString('hex');
  const large = Array.from(
    { length: 60 },
    () => ({ aggregateType: 'tenant', aggregateId: 'large', type: 'other', payload: { text } }) as const,
  );
  await appendAll(later, large);
  const versions: number[] = [];
  let from: number | undefined;
  let pages = 0;
  for (;;) {
    const events = await readNewest(
      db,
      { aggregateType: 'tenant', aggregateId: 'large', types: ['other'], limit: 1_000, before: from },
      later,
    );
    if (events.length === 0) break;
    expect(events.length * text.length).toBeLessThan(pageBytes + 2 * text.length);
    versions.push(...events.map(({ version }) => version));
    from = events.at(-1)?.version;
    pages += 1;
  }
  expect(versions).toEqual(Array.from({ length: 60 }, (_, n) => 60 - n));
  expect(pages).toBeGreaterThan(1);
}, 30_000);
