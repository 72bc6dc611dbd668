/** The relay through everything that can happen to NATS. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { newContext, Registry, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, testEvents } from '@fairlead/testing';
import { firstPositionSince } from './event-stream.js';
import { createAppender, readHead } from './index.js';
import { append as appendTo, command, RelayStage } from './relay.fixture.js';

let stage: RelayStage;
let messaging: Messaging;

beforeEach(async () => {
  stage = await RelayStage.open();
  ({ messaging } = stage);
});

afterEach(() => stage.close());

const append = (count: number) => appendTo(count, stage.database.db);

describe('the relay', () => {
  it('makes the stream as declared, and one it finds otherwise is set right', async () => {
    const manager = await messaging.manager();
    stage.relay();
    await stage.expectMirror(await append(3));
    expect((await stage.streamInfo()).config).toMatchObject({
      deny_delete: true,
      deny_purge: true,
      storage: 'file',
      num_replicas: 1,
      max_age: 7 * 24 * 3_600_000 * 1_000_000,
      subjects: ['evt.>'],
    });
    await stage.relays.pop()?.stop();
    await manager.streams.update('EVT', { max_msgs: 5 });
    stage.relay();
    await eventuallyHolds(
      async () => {
        expect((await stage.streamInfo()).config.max_msgs).toBe(-1);
      },
      { what: 'the stream to be set right' },
    );
  });

  it('goes on after NATS was killed, and refills a store that was wiped with the same numbers', async () => {
    stage.relay();
    stage.relay();
    await stage.expectMirror(await append(120));
    await stage.killNats();
    await append(80);
    await stage.startNats(stage.nats.port);
    await stage.expectMirror(200);
    await stage.killNats({ wipe: true });
    await append(50);
    await stage.startNats(stage.nats.port);
    await stage.expectMirror(250);
  });

  it('notices a stream that was deleted while nothing happens', async () => {
    stage.relay();
    await stage.expectMirror(await append(10));
    await (await messaging.manager()).streams.delete('EVT');
    await stage.expectMirror(10);
  });

  it('competes with others without a gap or a double, one of them taking over when another ends', async () => {
    const registry = new Registry();
    for (let n = 0; n < 3; n += 1) stage.relay(n === 0 ? { registry } : {});
    const appender = createAppender({ catalogue: testEvents, sql: stage.database.db });
    for (let round = 0; round < 6; round += 1) {
      const appended = Promise.all(Array.from({ length: 100 }, () => appender.append(command())));
      await stage.relays.shift()?.stop();
      stage.relay();
      await appended;
    }
    await stage.expectMirror(600);
  });

  it('starts a stream at the first event that is young enough', async () => {
    const old = await append(20);
    const since = new Date();
    expect(await firstPositionSince(stage.database.db, since)).toBe(old + 1);
    expect(await firstPositionSince(stage.database.db, new Date(0))).toBe(1);
    const maxAgeMs = 3_000;
    await eventually(() => Date.now() > since.getTime() + maxAgeMs, { what: 'the events to grow old' });
    const head = await append(15);
    expect(await firstPositionSince(stage.database.db, since)).toBe(old + 1);
    const { evt, ...streams } = messaging.topology.streams;
    const topology = { ...messaging.topology, streams: { ...streams, evt: { ...evt, maxAgeMs } } };
    stage.relay({
      messaging: new Proxy(messaging, { get: (target, key): unknown => (key === 'topology' ? topology : Reflect.get(target, key)) }),
    });
    await stage.expectMirror(head, { first: old + 1 });
  });

  it('takes events whose metadata or payload is no object to the stream, as they are stored', async () => {
    const odd = [null, [], 'text', 5];
    // As an older release or another program would have: the log's function refuses them now.
    for (const value of odd)
      await stage.database.adminSql.query(
        `with head as (update log.head set position = position + 1 returning position)
         insert into log.event select position, 'tenant', 'odd', position, 'changed', 1, $1, $1, now() from head`,
        [JSON.stringify(value)],
      );
    stage.relay();
    await eventuallyHolds(
      async () => {
        expect((await stage.streamInfo()).state.last_seq).toBe(odd.length);
      },
      { what: 'all of them' },
    );
    const message = await (await stage.messaging.manager()).streams.getMessage('EVT', { seq: 1 });
    expect(message?.json()).toMatchObject({ position: 1, payload: null, meta: null });
  });

  it('passes on what is in the log whatever its metadata holds', async () => {
    stage.relay();
    const wrong = [
      {
        command_id: newId('command'),
        events: [
          {
            aggregate_type: 'tenant',
            aggregate_id: 'ü '.repeat(80),
            type: '*.>',
            payload: { odd: [1] },
            meta: { job_id: 5, request_id: 'a\nb' },
          },
        ],
      },
    ];
    await stage.database.db.query('select log.append($1)', [JSON.stringify(wrong)]);
    const context = newContext({ principal: 'user:usr_1', tenantId: 'acme', jobId: 'job_1' });
    await runInContext(context, () => createAppender({ catalogue: testEvents, sql: stage.database.db }).append(command()));
    await eventuallyHolds(
      async () => {
        expect((await stage.streamInfo()).state.last_seq).toBe(2);
      },
      { what: 'both events' },
    );
    const message = await (await messaging.manager()).streams.getMessage('EVT', { seq: 2 });
    const header = (name: string) => message?.header.get(name);
    const { incarnation } = await readHead(stage.database.db);
    expect(
      ['fairlead-position', 'fairlead-incarnation', 'x-request-id', 'x-correlation-id', 'x-tenant-id', 'x-job-id'].map(header),
    ).toEqual(['2', incarnation, context.requestId, context.correlationId, 'acme', 'job_1']);
    expect(header('traceparent')?.slice(3, 35)).toBe(context.traceparent.slice(3, 35));
    expect(message?.json()).toMatchObject({
      position: 2,
      aggregate_type: 'tenant',
      version: 1,
      schema_version: 1,
      meta: { tenant_id: 'acme' },
      recorded_at: expect.stringMatching(/Z$/),
    });
  });
});
