/** Pokes of the log over a real NATS. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, testMessaging, type TestMessaging } from '@fairlead/testing';
import { pokeLog } from './bell.js';

let bus: TestMessaging;

beforeAll(async () => {
  bus = await testMessaging();
}, 60_000);

afterAll(() => bus.close());

it('tells readers once of what is appended at the same time, and how far the log reaches', async () => {
  const told: unknown[] = [];
  bus.messaging.subscribeCore(bus.messaging.topology.subjects.logPoke, (data) => told.push(data));
  for (const position of [7, 9, 8]) pokeLog(bus.messaging, position);
  await eventually(() => told.length > 0, { what: 'the first poke to arrive' });
  pokeLog(bus.messaging, 10);
  await eventually(() => told.length > 1, { what: 'the second poke to arrive' });
  expect(told).toEqual([{ position: 9 }, { position: 10 }]);
});
