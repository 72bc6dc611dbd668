// Real: Postgres with 120 events of 250 KiB, NATS. Half of them are of random text, half of a text that Postgres packs well.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testEvents } from '@fairlead/testing';
import { pageBytes, sizeOf, smallPageBytes } from './bounded.js';
import { createAppender, followLog, readLog, readPage, type LogFollower, type StoredEvent } from './index.js';
import { readParts } from './projection/page.js';
import { RelayStage } from './relay.fixture.js';

const count = 120;
const eventBytes = 250 * 1024;
const logger = createLogger({ service: 'test', level: 'silent' });
let stage: RelayStage;

beforeAll(async () => {
  stage = await RelayStage.open();
  const appender = createAppender({ catalogue: testEvents, sql: stage.database.db });
  for (let n = 1; n <= count; n += 1) {
    const text = n <= count / 2 ? randomBytes(eventBytes / 2).toString('hex') : 'x'.repeat(eventBytes);
    const event = { aggregateType: 'tenant' as const, aggregateId: 'acme', type: 'changed' as const, payload: { text } };
    await appender.append({ commandId: newId('command'), events: [event] });
  }
  await appender.close();
}, 60_000);

afterAll(() => stage.close());

const sum = (events: readonly StoredEvent[]) => events.reduce((bytes, event) => bytes + sizeOf(event), 0);
const positions = (events: readonly StoredEvent[]) => events.map(({ position }) => position);
const all = Array.from({ length: count }, (_, index) => index + 1);

/** Reads to the end; answers what came, and checks that no page was larger than the bound lets it be. */
async function readAll(page: (after: number) => Promise<{ events: readonly StoredEvent[]; position: number }>): Promise<number[]> {
  const found: number[] = [];
  let pages = 0;
  for (let after = 0; after < count; pages += 1) {
    const { events, position } = await page(after);
    // What is packed can only be estimated: 5 times as much at the very worst.
    expect(sum(events)).toBeLessThan((events[0]?.position ?? 0) <= count / 2 - 20 ? pageBytes + eventBytes : 6 * pageBytes);
    expect(position).toBeGreaterThan(after);
    found.push(...positions(events));
    after = position;
  }
  expect(pages).toBeGreaterThan(3);
  return found;
}

describe('pages of large events', () => {
  const parts = { mine: [0], of: 1 };

  it.each([{}, { aggregateTypes: ['tenant'], aggregateId: 'acme' }])('end early, and say how far they looked: %j', async (filter) => {
    expect(await readAll((after) => readPage(stage.database.db, { after, limit: 1_000, filter }))).toEqual(all);
  });

  it('end early where a list of events is read, and only an empty one is the end', async () => {
    const read = async (after: number) => {
      const events = await readLog(stage.database.db, { after, limit: 1_000 });
      return { events, position: events.at(-1)?.position ?? 0 };
    };
    expect(await readAll(read)).toEqual(all);
    expect(await readLog(stage.database.db, { after: count, limit: 1_000 })).toEqual([]);
  });

  it('end early for projections', async () => {
    const read = async (after: number) => {
      const { events, until } = await readParts(stage.database.db, { after, until: count, limit: 1_000, parts });
      return { events, position: until };
    };
    expect(await readAll(read)).toEqual(all);
  });

  it('are as many as were asked for when they fit, one at least', async () => {
    expect(positions((await readPage(stage.database.db, { after: 3, limit: 2 })).events)).toEqual([4, 5]);
    expect(await readPage(stage.database.db, { after: count, limit: 10 })).toMatchObject({ events: [], position: count });
    expect(positions(await readLog(stage.database.db, { after: 3, limit: 1 }))).toEqual([4]);
  });
});

describe('a follower of large events', () => {
  let follower: LogFollower;

  beforeAll(() => {
    follower = followLog({ sql: stage.database.db, logger });
  });
  afterAll(() => follower.stop());

  it('answers what one answer may hold, and that there is more', async () => {
    const found: number[] = [];
    let cursor = { position: 0 };
    for (let more = true; more;) {
      const answer = await follower.read({ cursor, limit: 1_000 });
      expect(sum(answer.events)).toBeLessThanOrEqual(pageBytes);
      found.push(...positions(answer.events));
      ({ cursor, more } = answer);
    }
    expect(found).toEqual(all);
  });

  it('brings all to a subscriber that catches up, little at a time', async () => {
    const found: number[] = [];
    for await (const { events } of follower.subscribe({ cursor: { position: 0 }, signal: AbortSignal.timeout(30_000) })) {
      // What is packed can only be estimated: 5 times as much at the very worst.
      expect(sum(events)).toBeLessThan((events[0]?.position ?? 0) <= count / 2 - 20 ? smallPageBytes + eventBytes : 6 * smallPageBytes);
      found.push(...positions(events));
      if (found.length >= count) break;
    }
    expect(found).toEqual(all);
  });
});

it('a relay of large events takes them all to the stream', async () => {
  stage.relay();
  await eventually(async () => (await stage.streamInfo()).state.last_seq === count, { timeoutMs: 30_000, what: 'the stream to hold all' });
}, 40_000);
