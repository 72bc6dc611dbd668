/** How the relay fills a stream: in atomic batches, pipelined where the server takes none. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, testEvents } from '@fairlead/testing';
import { createAppender, headPosition, readLog } from './index.js';
import { isBeaten, publishPage } from './publish.js';
import { noTracing } from '@fairlead/telemetry';
import { append, command, RelayStage } from './relay.fixture.js';
import { textOf } from './types.js';

let stage: RelayStage;

beforeEach(async () => {
  stage = await RelayStage.open();
});

afterEach(() => stage.close());

/** A header of a message, empty when it has none. */
async function header(sequence: number, name: string): Promise<string | undefined> {
  const message = await (await stage.messaging.manager()).streams.getMessage('EVT', { seq: sequence });
  return message?.header.get(name);
}

describe('a stream that is far behind', () => {
  it('is filled in atomic batches, and followed message by message', async () => {
    const head = await append(2_300, stage.database.db);
    stage.relay();
    await stage.expectMirror(head);
    expect((await stage.streamInfo()).config.allow_atomic).toBe(true);
    expect(await header(1, 'Nats-Batch-Id')).toMatch(/^1-/);
    expect(await header(1_500, 'Nats-Batch-Id')).toMatch(/^1001-/);
    await stage.expectMirror(await append(5, stage.database.db));
    expect(await header(head + 5, 'Nats-Batch-Id')).toBe('');
  });

  it('that was made before atomic batches were asked for is updated', async () => {
    stage.relay();
    await stage.expectMirror(await append(3, stage.database.db));
    await stage.relays.pop()?.stop();
    await (await stage.messaging.manager()).streams.update('EVT', { allow_atomic: false });
    const head = await append(300, stage.database.db);
    stage.relay();
    await stage.expectMirror(head);
    expect(await header(head, 'Nats-Batch-Id')).not.toBe('');
  });

  it('takes events that are large, in batches that are within bounds', async () => {
    const appender = createAppender({ catalogue: testEvents, sql: stage.database.db });
    for (let n = 0; n < 120; n += 1) await appender.append(command({ payload: { id: String(n), text: 'x'.repeat(200_000) } }));
    stage.relay();
    await stage.expectMirror(120);
  });
});

describe('a batch', () => {
  const page = async (after: number, count: number) => readLog(stage.database.db, { after, limit: count });
  const publish = (events: Awaited<ReturnType<typeof page>>, atomic: boolean) =>
    publishPage({ messaging: stage.messaging, tracing: noTracing, incarnation: 'any', atomic }, events.map(textOf));

  it.each([true, false])('that another relay was before is beaten, and leaves no part of it (atomic: %s)', async (atomic) => {
    stage.relay();
    await stage.expectMirror(await append(10, stage.database.db));
    await stage.relays.pop()?.stop();
    await append(600, stage.database.db);
    const failure = await publish(await page(7, 300), atomic).catch((error: unknown) => error);
    expect(isBeaten(failure)).toBe(true);
    // Of messages that go one by one, those that follow what is there are right.
    const { last_seq: reached } = (await stage.streamInfo()).state;
    if (atomic) expect(reached).toBe(10);
    await publish(await page(reached, 300), atomic);
    await stage.expectMirror(reached + 300);
  });

  it('is published once by relays that compete while NATS and relays are killed', async () => {
    for (let n = 0; n < 3; n += 1) stage.relay();
    for (let round = 0; round < 4; round += 1) {
      const appended = append(700, stage.database.db);
      if (round % 2 === 1) {
        await stage.killNats({ wipe: round === 3 });
        await stage.startNats(stage.nats.port);
      }
      await stage.relays.shift()?.stop();
      stage.relay();
      await appended;
    }
    await eventually(() => stage.messaging.connected(), { what: 'NATS' });
    await stage.expectMirror(await headPosition(stage.database.db));
  });
});
