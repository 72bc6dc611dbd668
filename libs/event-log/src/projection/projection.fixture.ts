import { expect } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testEvents, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import {
  createAppender,
  defineProjection,
  listProjections,
  pokeLog,
  startProjection,
  waitForProjection,
  type Projection,
  type ProjectionDefinition,
  type ProjectionOptions,
  type ProjectionState,
  type RawProjection,
  type StoredEvent,
} from '../index.js';

export const logger = createLogger({ service: 'test', level: 'silent' });

type Definition = ProjectionDefinition;
type Described = Partial<RawProjection<string>>;

/** A real database and NATS, and projections of placement's that keep each event in a table of their name, as often as it is applied. */
export interface Bench {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly bus: TestMessaging;
  /** As audit, which controls projections. */
  readonly control: Database;
  /** Appends so many events of seven tenants; answers the last one's position. */
  append(count: number): Promise<number>;
  /** Defines a projection and makes the shape of its table; `before` sees each page, and may throw. */
  define(name: string, more?: Described & { before?: (events: readonly StoredEvent[]) => Promise<void> | void }): Promise<Definition>;
  /** Starts a worker, which is stopped with the bench unless before. */
  start(definition: Definition, more?: Partial<ProjectionOptions>): Projection;
  state(name: string): Promise<ProjectionState>;
  /** Waits for a position, and expects that the table that serves has every event up to it once, `but` some. */
  expectSeen(name: string, position: number, but?: readonly number[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a bench; the caller stops it. */
export async function startBench(): Promise<Bench> {
  const [database, bus] = await Promise.all([testDatabase({ service: 'placement' }), testMessaging()]);
  const { db } = database;
  const control = await openDatabase({
    ...database.access('audit'),
    schema: 'audit',
    applicationName: 'test-control',
    poolSize: 2,
    logger,
  });
  const appender = createAppender({
    catalogue: testEvents,
    sql: db,
    onAppended: (position) => {
      pokeLog(bus.messaging, position);
    },
  });
  const workers = new Set<Projection>();
  const state = async (name: string) => {
    const [found] = await listProjections(db, name);
    if (found === undefined) throw new Error(`there is no projection ${name}`);
    return found;
  };
  return {
    database,
    db,
    bus,
    control,
    state,
    append: async (count) => {
      const event = (n: number) => ({ aggregateType: 'tenant', aggregateId: `t ${n % 7}`, type: 'changed', payload: { n } }) as const;
      const outcomes = await Promise.all(
        Array.from({ length: count }, (_, n) => appender.append({ commandId: newId('command'), events: [event(n)] })),
      );
      return Math.max(...outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.lastPosition : 0)));
    },
    define: async (name, { before, ...more } = {}) => {
      const shape = `${name}_v${more.version ?? 1}`;
      await database.adminSql.query(
        `do $$ begin set local role fairlead_placement_owner;
           create table if not exists placement.${shape} (position bigint not null, aggregate_id text not null, version int not null, applied int generated always as identity); end $$`,
      );
      return defineProjection({
        name,
        version: 1,
        tables: { [name]: shape },
        reads: 'raw',
        apply: async (tx, events, tables) => {
          await before?.(events);
          await tx.query(
            `insert into ${tables[name] ?? ''} (position, aggregate_id, version) select * from unnest($1::bigint[], $2::text[], $3::int[])`,
            [events.map((event) => event.position), events.map((event) => event.aggregateId), events.map((event) => event.version)],
          );
        },
        ...more,
      });
    },
    start: (definition, more) => {
      const worker = startProjection({ definition, db, messaging: bus.messaging, logger, pageSize: 40, ...more });
      workers.add(worker);
      return worker;
    },
    expectSeen: async (name, position, but = []) => {
      await waitForProjection({ sql: db, name, position, timeoutMs: 20_000, messaging: bus.messaging });
      const sql = `select count(*) as applied, count(distinct position) as events, max(position) as last,
        count(*) filter (where position = any ($1::bigint[])) as left_in from ${name}`;
      expect(await db.query(sql, [but])).toEqual([
        { applied: position - but.length, events: position - but.length, last: position, left_in: 0 },
      ]);
    },
    stop: async () => {
      await Promise.all([...workers].map((worker) => worker.stop()));
      await Promise.all([control.close(), bus.close()]);
      await database.drop();
    },
  };
}
