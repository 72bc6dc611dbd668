// Real: a Postgres and a NATS, both really damaged, with the rights of whoever runs them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { createAppender, headPosition, readEventsAt, startRelay, type Appender } from '@fairlead/event-log';
import { findStream } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from './store/migrations.js';
import { verifyRange, type Verified } from './verify.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const aggregates = ['a', 'b', 'c'] as const;
let database: TestDatabase;
let nats: TestMessaging;
let head: number;

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'audit', migrations }), testMessaging()]);
  const { db: sql } = database;
  const appender = createAppender({ sql });
  // Thirty events of three aggregates in turn.
  for (let n = 0; n < 30; n++) await append(appender, aggregates[n % 3] ?? 'a');
  await appender.close();
  head = await headPosition(sql);
  const relay = startRelay({ sql, messaging: nats.messaging, logger });
  await eventually(async () => (await streamState())?.last_seq === head, { what: 'the stream to be filled' });
  await relay.stop();
}, 120_000);

afterAll(async () => {
  await nats.close();
  await database.drop();
});

async function append(appender: Appender, aggregateId: string): Promise<void> {
  const event = {
    aggregateType: 'dead_letter',
    aggregateId,
    type: 'dead_letter_discarded',
    payload: { sequence: 1, consumer: 'x' },
  } as const;
  const meta = { principal: 'user:usr_ada', request_id: 'req_1', correlation_id: 'cor_1' };
  const outcome = await appender.append({ events: [{ ...event, meta }] });
  expect(outcome.status).toBe('ok');
}

async function streamState() {
  return (await findStream(await nats.messaging.manager(), nats.messaging.topology.streams.evt.name))?.state;
}

const verify = (range: { from?: number; to?: number } = {}, decode: () => void = () => undefined): Promise<Verified> =>
  verifyRange({ sql: database.db, messaging: nats.messaging, decode }, { from: range.from ?? 1, to: range.to ?? 0 });
const found = async (range?: { from?: number; to?: number }) =>
  (await verify(range)).findings.map(({ kind, position }) => [kind, position]);

/** Runs statements as a superuser who has taken the triggers away; `undo` brings back what was. */
async function damage(...statements: string[]): Promise<void> {
  const around = (state: string) => `alter table log.event ${state} trigger append_only`;
  await database.adminSql.query([around('disable'), ...statements, around('enable always')].join(';'));
}

let undo: (() => Promise<void>) | undefined;

/** Damages the log until the end of the test. */
async function damaged(...statements: string[]): Promise<void> {
  const { adminSql } = database;
  await adminSql.query('create table public.kept_event as select * from log.event');
  await adminSql.query('create table public.kept_stream as select * from log.stream');
  await adminSql.query('create table public.kept_head as select * from log.head');
  undo = async () => {
    await damage(
      'delete from log.event',
      'insert into log.event select * from public.kept_event',
      'delete from log.stream',
      'insert into log.stream select * from public.kept_stream',
      'update log.head h set position = k.position, recorded_at = k.recorded_at from public.kept_head k',
    );
    await adminSql.query('drop table public.kept_event, public.kept_stream, public.kept_head');
  };
  await damage(...statements);
}

afterEach(async () => {
  await undo?.();
  undo = undefined;
});

describe('a sound log', () => {
  it('has no findings, whole and in parts, and equals its stream', async () => {
    expect(await verify()).toEqual({
      ...{ from: 1, to: head, head, next: undefined, findings: [], streamCompared: head, streamProblem: '' },
    });
    expect(await verify({ from: 7, to: 12 })).toMatchObject({ from: 7, to: 12, findings: [], next: undefined, streamCompared: 6 });
    expect(await verify({ from: head + 1 })).toMatchObject({ to: head, findings: [], next: undefined, streamCompared: 0 });
  });

  it('leaves no consumer behind', async () => {
    await verify();
    const manager = await nats.messaging.manager();
    expect((await manager.streams.info(nats.messaging.topology.streams.evt.name)).state.consumer_count).toBe(0);
  });
});

describe('damage to the log', () => {
  it('that takes an event away is found, with what it leaves behind', async () => {
    await damaged('delete from log.event where position = 11');
    expect(await found()).toEqual([
      ['event_missing', 11],
      ['version_wrong', 14],
    ]);
    // From a range that begins behind it, too.
    expect(await found({ from: 12, to: 20 })).toEqual([['version_wrong', 14]]);
  });

  it('that takes the last events away is found', async () => {
    await damaged(`delete from log.event where position > ${head - 2}`);
    expect(await found()).toEqual(
      expect.arrayContaining([
        ['event_missing', head - 1],
        ['head_wrong', head],
      ]),
    );
  });

  it('that swaps two events is found by versions, times and the stream', async () => {
    await damaged(
      `update log.event set position = ${head + 50} where position = 10`,
      'update log.event set position = 10 where position = 16',
      `update log.event set position = 16 where position = ${head + 50}`,
    );
    const kinds = await found();
    expect(kinds).toEqual(
      expect.arrayContaining([
        ['version_wrong', 10],
        ['stream_event_differs', 10],
        ['stream_event_differs', 16],
      ]),
    );
    expect(kinds.some(([kind]) => kind === 'time_fell')).toBe(true);
  });

  it('that changes what an event says is found by the stream', async () => {
    await damaged(`update log.event set payload = '{"sequence": 2, "consumer": "x"}' where position = 20`);
    expect((await verify()).findings).toEqual([
      expect.objectContaining({ kind: 'stream_event_differs', position: 20, message: expect.stringContaining('payload') }),
    ]);
  });

  it('that gives an event to another aggregate is found from both sides', async () => {
    await damaged(`update log.event set aggregate_id = 'zz' where position = 20`);
    expect(await found({ from: 15, to: 25 })).toEqual(
      expect.arrayContaining([
        ['version_wrong', 20],
        ['aggregate_wrong', 20],
        ['version_wrong', 23],
      ]),
    );
  });

  it('to log.stream and log.head is found', async () => {
    await damaged(
      `update log.stream set version = version + 1 where aggregate_id = 'a'`,
      `delete from log.stream where aggregate_id = 'b'`,
      'update log.head set position = position - 1',
    );
    const kinds = await found();
    expect(kinds).toEqual(
      expect.arrayContaining([
        ['aggregate_wrong', head - 2],
        ['aggregate_wrong', head - 1],
        ['event_beyond_head', head],
        ['total_wrong', 0],
        ['stream_ahead', head],
      ]),
    );
  });

  it('to log.stream alone is cured by making it from the events', async () => {
    await damaged(
      `update log.stream set version = version + 1 where aggregate_id = 'a'`,
      `delete from log.stream where aggregate_id = 'b'`,
    );
    expect((await found()).map(([kind]) => kind).sort()).toEqual(['aggregate_wrong', 'aggregate_wrong', 'total_wrong']);
    const [before] = await database.adminSql.query<{ rows: object[] }>(
      'select json_agg(s order by aggregate_id) as rows from public.kept_stream s',
    );
    await database.adminSql.query(
      'delete from log.stream; insert into log.stream select aggregate_type, aggregate_id, max(version), max(position) from log.event group by 1, 2',
    );
    expect(await found()).toEqual([]);
    const [after] = await database.adminSql.query<{ rows: object[] }>('select json_agg(s order by aggregate_id) as rows from log.stream s');
    expect(after).toEqual(before);
  });

  it('in more places than one answer takes is told in several', async () => {
    await damaged('delete from log.event where position between 5 and 25');
    const first = await verify({ from: 1, to: 10 });
    expect(first.findings).toEqual([
      expect.objectContaining({ kind: 'event_missing', position: 5, message: 'positions 5 to 10 are missing' }),
    ]);
  });

  it('tells for each finding what to do', async () => {
    await damaged('delete from log.event where position = 11');
    for (const { advice } of (await verify()).findings) expect(advice).toMatch(/\w/);
  });

  it('an event that this release can not read is found', async () => {
    const { findings } = await verify({ from: 3, to: 3 }, () => {
      throw new Error('unknown type');
    });
    expect(findings).toEqual([expect.objectContaining({ kind: 'event_unreadable', position: 3, message: 'unknown type' })]);
  });
});

describe('damage to the stream', () => {
  it('is found: a message lost, a message changed, messages too many', async () => {
    const { messaging } = nats;
    const manager = await messaging.manager();
    const { name } = messaging.topology.streams.evt;
    const { config } = await manager.streams.info(name);
    const kept = await Promise.all(Array.from({ length: head }, (_, n) => manager.streams.getMessage(name, { seq: n + 1 })));
    await manager.streams.delete(name);
    await manager.streams.add({ ...config, deny_delete: false, deny_purge: false, first_seq: 1 });
    for (const message of kept) {
      if (message === null) throw new Error('each position has a message');
      const text = message.seq === 9 ? message.string().replace(/("consumer": ?)"x"/, '$1"y"') : message.string();
      await messaging.jetstream().publish(message.subject, text);
    }
    await messaging.jetstream().publish(kept[0]?.subject ?? '', '{}');
    await manager.streams.deleteMessage(name, 4);
    expect(await found()).toEqual([
      ['stream_event_missing', 4],
      ['stream_event_differs', 9],
      ['stream_ahead', head + 1],
    ]);
    await manager.streams.update(name, { metadata: { 'fairlead-incarnation': newId('command') } });
    expect((await verify()).findings.map(({ kind }) => kind)).toEqual(['stream_of_another_log']);
    await manager.streams.delete(name);
    expect(await verify()).toMatchObject({ findings: [], streamProblem: `there is no stream ${name}`, streamCompared: 0 });
  });

  it('NATS being away is told, and the log is checked all the same', async () => {
    await nats.messaging.close();
    expect(await verify()).toMatchObject({ to: head, findings: [], streamCompared: 0, streamProblem: expect.stringContaining('NATS') });
    expect(await readEventsAt(database.db, [head])).toHaveLength(1);
  });
});
