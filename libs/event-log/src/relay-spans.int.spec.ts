/** The spans of a relay: one for each event that it published, and none for what others published or long ago. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JetStreamClient } from '@nats-io/jetstream';
import { newId } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { createLogger, createTracing, newContext, type Tracing } from '@fairlead/telemetry';
import {
  eventually,
  eventuallyHolds,
  otlpReceiver,
  testDatabase,
  testMessaging,
  type OtlpReceiver,
  type TestDatabase,
  type TestMessaging,
  testEvents,
} from '@fairlead/testing';
import { createAppender, startRelay } from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let nats: TestMessaging;
let database: TestDatabase;
let receiver: OtlpReceiver;
let tracing: Tracing;
let relay: { stop(): Promise<void> } | undefined;

beforeAll(async () => {
  nats = await testMessaging();
}, 60_000);

afterAll(() => nats.close());

beforeEach(async () => {
  [database, receiver] = await Promise.all([testDatabase({ service: 'placement' }), otlpReceiver()]);
  tracing = createTracing({ service: 'test', version: '0', logger, endpoint: `${receiver.url}/v1/traces`, delayMs: 20 });
}, 60_000);

afterEach(async () => {
  await relay?.stop();
  await tracing.close();
  await receiver.close();
  await (await nats.messaging.manager()).streams.delete(nats.messaging.topology.streams.evt.name);
  await database.drop();
});

function start(messaging: Messaging = nats.messaging): void {
  relay = startRelay({ sql: database.db, messaging, logger, tracing });
}

/** Appends an event in a span of its own, whose trace is kept. */
async function append(): Promise<void> {
  const events = [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {} } as const];
  await tracing.span('request', { context: newContext({ principal: 'user:usr_1' }) }, () =>
    createAppender({ catalogue: testEvents, sql: database.db }).append({ commandId: newId('command'), events }),
  );
}

const streamReaches = (position: number) =>
  eventually(
    async () => {
      const { state } = await (await nats.messaging.manager()).streams.info(nats.messaging.topology.streams.evt.name);
      return state.last_seq === position;
    },
    { what: `position ${String(position)} in the stream` },
  );

/** Positions whose publication left a span, with how that ended. */
const published = () =>
  receiver.spans.filter(({ kind }) => kind === 'producer').map(({ attributes, status }) => [attributes['messaging.message.id'], status]);

/** The relay's messaging, on which another relay is first with the first events. */
function beatenAtFirst(events: number): Messaging {
  let left = events;
  return new Proxy(nats.messaging, {
    get(target, key): unknown {
      if (key !== 'jetstream') return Reflect.get(target, key);
      return () => {
        const client = target.jetstream();
        const publish: JetStreamClient['publish'] = async (...message) => {
          if (left-- > 0) await client.publish(...message);
          return await client.publish(...message);
        };
        return new Proxy(client, { get: (of, name): unknown => (name === 'publish' ? publish : Reflect.get(of, name)) });
      };
    },
  });
}

describe('the spans of a relay', () => {
  it('are of what it published itself: another relay was first with the others', async () => {
    for (let n = 0; n < 3; n++) await append();
    start(beatenAtFirst(3));
    await streamReaches(3);
    await append();
    await streamReaches(4);
    await eventuallyHolds(
      () => {
        expect(published()).toContainEqual(['4', 'unset']);
      },
      { what: 'the span of the last one' },
    );
    expect(published()).toEqual([['4', 'unset']]);
  });

  it('are none of old events that fill a stream made anew', async () => {
    for (let n = 0; n < 3; n++) await append();
    await database.adminSql.query(`alter table log.event disable trigger append_only;
      update log.event set recorded_at = recorded_at - interval '61 seconds';
      alter table log.event enable always trigger append_only;`);
    await append();
    start();
    await streamReaches(4);
    await eventuallyHolds(
      () => {
        expect(published()).toContainEqual(['4', 'unset']);
      },
      { what: 'the span of the new one' },
    );
    expect(published()).toEqual([['4', 'unset']]);
  });
});
