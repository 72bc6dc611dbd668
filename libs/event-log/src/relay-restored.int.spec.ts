/** The relay when the database it reads was restored, is a copy of another or stands by. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Sql } from '@fairlead/postgres';
import { Registry } from '@fairlead/telemetry';
import { eventually, type TestDatabase } from '@fairlead/testing';
import { readHead, readLog, type BeginIncarnation, type FoundRestored } from './index.js';
import { append, expectStopped, RelayStage } from './relay.fixture.js';

/** So that six seconds of silence are 0.6. */
const lookMs = 200;
/** Of a copy beside an original that is busy too: on a busy machine 0.6 s pass without a word. */
const patientMs = 1_000;
let stage: RelayStage;

beforeEach(async () => {
  stage = await RelayStage.open();
});

afterEach(() => stage.close());

/** As the administrator; audit's role does the same through a function of its own. */
const begin =
  (database: TestDatabase, found: FoundRestored[] = []): BeginIncarnation =>
  async (restored) => {
    const [row] = await database.adminSql.query<{ begun: string | null }>('select log.begin_incarnation_after($1, $2) as begun', [
      restored.after,
      restored.incarnation,
    ]);
    if (row?.begun != null) found.push(restored);
  };

/** A database whose log has the first events of the stage's, as one restored from a backup that was made then. */
async function restoredTo(position: number): Promise<TestDatabase> {
  const restored = await stage.another();
  const { incarnation } = await readHead(stage.database.db);
  await restored.adminSql.query(`update log.head set incarnation = $1, position = $2`, [incarnation, position]);
  for (const event of await stage.database.adminSql.query<Record<string, unknown>>('select * from log.event where position <= $1', [
    position,
  ])) {
    await restored.adminSql.query(
      'insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at) select position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at from jsonb_populate_record(null::log.event, $1)',
      [JSON.stringify(event)],
    );
  }
  await restored.adminSql.query(
    `insert into log.stream select aggregate_type, aggregate_id, max(version), max(position) from log.event group by 1, 2`,
  );
  return restored;
}

const history = (sql: Sql) => sql.query<{ began_after: number }>('select began_after from log.incarnation order by incarnation');

describe('a log that was restored to an older state', () => {
  it.each([0, 12])('begins a new incarnation after what both hold, %d events appended since', async (appended) => {
    stage.relay({ lookMs });
    await stage.expectMirror(await append(30, stage.database.db));
    await stage.relays.pop()?.stop();
    const restored = await restoredTo(21);
    await append(appended, restored.db);
    const found: FoundRestored[] = [];
    const cause = appended === 0 ? 'log_behind_stream' : 'log_differs_from_stream';
    const { incarnation } = await readHead(restored.db);
    for (let n = 0; n < 2; n += 1) stage.relay({ lookMs, sql: restored.db, beginIncarnation: begin(restored, found) });
    await stage.expectMirror(21 + appended, { sql: restored.db });
    expect(found).toEqual([{ after: 21, incarnation, cause }]);
    expect((await history(restored.db)).at(-1)).toEqual({ began_after: 21 });
  });

  it('and has grown beyond the stream again: the difference is found where it begins', async () => {
    stage.relay({ lookMs });
    await stage.expectMirror(await append(30, stage.database.db));
    await stage.relays.pop()?.stop();
    const restored = await restoredTo(17);
    await append(40, restored.db);
    const found: FoundRestored[] = [];
    stage.relay({ lookMs, sql: restored.db, beginIncarnation: begin(restored, found) });
    await stage.expectMirror(57, { sql: restored.db });
    expect(found).toMatchObject([{ after: 17, cause: 'log_differs_from_stream' }]);
  });

  it('shares nothing that is known when the stream holds no event of both', async () => {
    const restored = await restoredTo(0);
    stage.relay({ lookMs });
    await stage.expectMirror(await append(9, stage.database.db));
    await stage.relays.pop()?.stop();
    await append(20, restored.db);
    const found: FoundRestored[] = [];
    stage.relay({ lookMs, sql: restored.db, beginIncarnation: begin(restored, found) });
    await stage.expectMirror(20, { sql: restored.db });
    expect(found).toMatchObject([{ after: 0 }]);
  });

  it('under a running relay puts nothing after what the stream has', async () => {
    const restored = await restoredTo(0);
    let now: Sql = stage.database.db;
    const sql: Sql = { query: (text, params) => now.query(text, params) };
    stage.relay({ lookMs, sql, beginIncarnation: begin(restored) });
    await stage.expectMirror(await append(15, stage.database.db));
    await append(60, restored.db);
    now = restored.db;
    await stage.expectMirror(60, { sql: restored.db });
  });

  it('is left to an administrator where the relay may not begin an incarnation', async () => {
    stage.relay({ lookMs });
    await stage.expectMirror(await append(30, stage.database.db));
    await stage.relays.pop()?.stop();
    const restored = await restoredTo(10);
    const registry = new Registry();
    stage.relay({ lookMs, sql: restored.db, registry });
    await expectStopped(registry, true);
    await stage.expectMirror(30);
    await restored.adminSql.query('select log.begin_incarnation()');
    await stage.expectMirror(10, { sql: restored.db });
    await expectStopped(registry, false);
  });
});

describe('a stream is left alone', () => {
  it('that is of a later incarnation', async () => {
    const later = await stage.another();
    await later.adminSql.query('select log.begin_incarnation()');
    stage.relay({ lookMs, sql: later.db });
    await stage.expectMirror(await append(7, later.db), { sql: later.db });
    await append(20, stage.database.db);
    const registry = new Registry();
    stage.relay({ lookMs, registry, beginIncarnation: begin(stage.database) });
    await expectStopped(registry, true);
    await stage.expectMirror(7, { sql: later.db });
  });

  it('by a copy of the database while the relay of the original goes on', async () => {
    stage.relay({ lookMs });
    await stage.expectMirror(await append(30, stage.database.db));
    const copy = await restoredTo(12);
    const registry = new Registry();
    const found: FoundRestored[] = [];
    stage.relay({ lookMs: patientMs, sql: copy.db, registry, beginIncarnation: begin(copy, found) });
    await expectStopped(registry, true);
    let heard = 0;
    const unsubscribe = stage.messaging.subscribeCore(stage.messaging.topology.subjects.relayPoke, () => (heard += 1));
    await eventually(() => heard > 20, {
      what: 'the original to have said for longer than the silence that it is there',
      timeoutMs: 20_000,
    });
    unsubscribe();
    await stage.expectMirror(await append(3, stage.database.db));
    expect(found).toEqual([]);
    await stage.relays[0]?.stop();
    await stage.expectMirror(12, { sql: copy.db });
    expect(found).toMatchObject([{ after: 12 }]);
  });

  it('by such a copy also when NATS was away for longer than the silence that tells a restore', async () => {
    const copyLooked = Promise.withResolvers<undefined>();
    let held = false;
    const original: Sql = {
      query: async (text, params) => {
        if (held) await copyLooked.promise;
        return stage.database.db.query(text, params);
      },
    };
    stage.relay({ lookMs, sql: original });
    await stage.expectMirror(await append(30, stage.database.db));
    const copy = await restoredTo(12);
    const found: FoundRestored[] = [];
    let asked = 0;
    // The copy is first to look after the outage.
    const sql: Sql = {
      query: async (text, params) => {
        const rows = await copy.db.query(text, params);
        if (text.includes('read_only')) {
          asked += 1;
          if (held) copyLooked.resolve(undefined);
        }
        return rows as never;
      },
    };
    const silenceMs = 3 * patientMs;
    stage.relay({ lookMs: patientMs, sql, beginIncarnation: begin(copy, found) });
    await eventually(() => asked > 0, { what: 'the copy to have found itself apart' });
    await stage.killNats();
    const killedAt = performance.now();
    await eventually(() => performance.now() - killedAt > silenceMs, { what: 'an outage as long as the silence' });
    held = true;
    asked = 0;
    await stage.startNats(stage.nats.port);
    await eventually(() => asked > 5, { what: 'the copy to have looked beyond the silence that it waits for', timeoutMs: 20_000 });
    expect(found).toEqual([]);
    await stage.expectMirror(await append(3, stage.database.db));
  });

  it('by a database that is read-only', async () => {
    stage.relay({ lookMs });
    await stage.expectMirror(await append(30, stage.database.db));
    await stage.relays.pop()?.stop();
    const standby = await restoredTo(12);
    let asked = 0;
    const readOnly: Sql = {
      query: async (text, params) =>
        standby.db.transaction(async (tx) => {
          if (text.includes('read_only')) asked += 1;
          await tx.query('set transaction read only');
          return tx.query(text, params);
        }),
    };
    const registry = new Registry();
    const found: FoundRestored[] = [];
    stage.relay({ lookMs, sql: readOnly, registry, beginIncarnation: begin(standby, found) });
    await expectStopped(registry, true);
    await eventually(() => asked > 4, { what: 'the relay to have asked beyond the silence that it waits for', timeoutMs: 10_000 });
    expect(found).toEqual([]);
    await stage.expectMirror(30);
    expect(await readLog(standby.db, { after: 0, limit: 50 })).toHaveLength(12);
  });
});
