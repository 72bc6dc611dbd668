/** The relay when the stream has lost a part of what it held. */
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StreamInfo } from '@nats-io/jetstream';
import { streamConfig } from '@fairlead/messaging';
import { noTracing } from '@fairlead/telemetry';
import { incarnationHeader } from './event-message.js';
import { readHead, readLog } from './index.js';
import { publishPage } from './publish.js';
import { append, RelayStage } from './relay.fixture.js';
import { lossOf } from './stream-loss.js';
import { textOf } from './types.js';

let stage: RelayStage;

beforeEach(async () => {
  stage = await RelayStage.open();
});

afterEach(() => stage.close());

/** The files of the stream in the server's store. */
async function files(pattern: RegExp): Promise<string[]> {
  const found = await readdir(stage.dir, { recursive: true });
  return found.filter((file) => file.includes(join('streams', 'EVT', 'msgs')) && pattern.test(file)).map((file) => join(stage.dir, file));
}

/** A server that is stopped, and comes back with another store. */
async function withStore(change: () => Promise<void>): Promise<void> {
  await stage.nats.stop();
  await change();
  await stage.startNats(stage.nats.port);
}

describe('a stream is filled anew', () => {
  it('that came back where it stood, without its messages', async () => {
    stage.relay();
    await stage.expectMirror(await append(120, stage.database.db));
    await withStore(async () => {
      const blocks = await files(/\.blk$/);
      expect(blocks).not.toEqual([]);
      for (const block of blocks) await rm(block);
    });
    await stage.expectMirror(await append(80, stage.database.db));
  });

  it('that came back as it was some time ago', async () => {
    const copy = `${stage.dir}-copy`;
    stage.relay();
    await stage.expectMirror(await append(30, stage.database.db));
    try {
      await withStore(() => cp(stage.dir, copy, { recursive: true }));
      await stage.expectMirror(await append(70, stage.database.db));
      await withStore(async () => {
        await rm(stage.dir, { recursive: true });
        await cp(copy, stage.dir, { recursive: true });
      });
      await stage.expectMirror(100);
      await stage.expectMirror(await append(5, stage.database.db));
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });

  /** A stream as a relay makes it, but that messages may be taken from. */
  async function filled(count: number, firstSequence?: number): Promise<void> {
    const { messaging, database } = stage;
    const { incarnation } = await readHead(database.db);
    const manager = await messaging.manager();
    const config = streamConfig(messaging.topology.streams.evt, { replicas: 1, firstSequence });
    await manager.streams.add({ ...config, deny_delete: false, deny_purge: false, metadata: { [incarnationHeader]: incarnation } });
    await append(count, database.db);
    const events = await readLog(database.db, { after: (firstSequence ?? 1) - 1, limit: count });
    await publishPage({ messaging, tracing: noTracing, incarnation, atomic: false }, events.map(textOf));
  }

  it.each([
    ['its first messages', () => stage.messaging.manager().then((manager) => manager.streams.purge('EVT', { seq: 21 }))],
    ['all of them but for where it stood', () => stage.messaging.manager().then((manager) => manager.streams.purge('EVT'))],
    ['one in between', () => stage.messaging.manager().then((manager) => manager.streams.deleteMessage('EVT', 25, false))],
  ])('that lacks %s', async (_, lose) => {
    await filled(40);
    await lose();
    stage.relay();
    await stage.expectMirror(40);
    await stage.expectMirror(await append(5, stage.database.db));
  });

  it('not when it was made to begin later', async () => {
    await filled(40, 11);
    const { created } = await stage.streamInfo();
    stage.relay();
    await append(5, stage.database.db);
    await stage.expectMirror(45, { first: 11 });
    expect((await stage.streamInfo()).created).toBe(created);
  });

  it('not when what it lacks may have aged out', async () => {
    await append(40, stage.database.db);
    const { db } = stage.database;
    const dayMs = 24 * 3_600_000;
    const look = (lived: number, since: number) => {
      const ts = new Date(Date.now() + since).toISOString();
      const created = new Date(Date.now() + since - lived).toISOString();
      const info = { ts, created, config: {}, state: { messages: 20, first_seq: 21, last_seq: 40 } } as unknown as StreamInfo;
      return lossOf({ sql: db, info, maxAgeMs: 7 * dayMs });
    };
    // A stream younger than its messages may become; an older one, whose events were recorded just now, or days ago.
    expect(await look(dayMs, 0)).toBe('it begins with position 21');
    expect(await look(8 * dayMs, 1_000)).toBe('it begins with position 21');
    expect(await look(8 * dayMs, 4 * dayMs)).toBeUndefined();
    // The clock of Postgres was ahead when they were recorded.
    expect(await look(8 * dayMs, -dayMs)).toBeUndefined();
  });
});
