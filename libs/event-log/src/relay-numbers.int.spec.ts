/** Numbers that the log spells out, or that no reader has: they are relayed as JavaScript writes them. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createAppender, compareWithStream, readLog } from './index.js';
import { command, RelayStage } from './relay.fixture.js';
import { testEvents } from '@fairlead/testing';

let stage: RelayStage;

beforeEach(async () => {
  stage = await RelayStage.open();
});

afterEach(() => stage.close());

/** An event as only SQL can append it: its JSON is no JavaScript's. */
const appendRaw = (payload: string) =>
  stage.database.db.query(`select from log.append_event(null, 'tenant', 'acme', null, 'changed', 1, $1, '{}')`, [payload]);

it('relays an event of many large numbers, which spelt out are more than a message holds', async () => {
  const appender = createAppender({ catalogue: testEvents, sql: stage.database.db });
  await appender.append(command());
  await appender.append(
    command({ payload: { id: 'large', n: Array<number>(4_000).fill(1e300), tiny: Array<number>(4_000).fill(1e-300) } }),
  );
  await appender.append(command());
  stage.relay();
  await stage.expectMirror(3);
});

it.each(['1' + '0'.repeat(400), '-1e-400', '1e999', '-0.0', '0.1000000000000000055511151231257827', '12345678901234567890123'])(
  'takes %s for what readers read it as, also when it looks at the stream again',
  async (number) => {
    const { db } = stage.database;
    await appendRaw(`{"id":"2","n":${number}}`);
    stage.relay();
    await stage.expectMirror(1);
    await stage.relays.pop()?.stop();
    stage.relay();
    await appendRaw('{"id":"3"}');
    await stage.expectMirror(2);
    const comparison = await compareWithStream({ sql: db, messaging: stage.messaging }, { from: 1, to: 2 });
    try {
      expect([comparison.problem, await comparison.compare(await readLog(db, { after: 0, limit: 2 }))]).toEqual(['', []]);
    } finally {
      await comparison.close();
    }
  },
);
