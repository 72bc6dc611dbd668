/**
 * Every reader of the log sees each event once and in order, whatever appenders and relays do. 64 appenders commit late,
 * roll back and lose their connections; three relays are killed and started again. Two readers in the same run that
 * only remember the highest number, or the latest time, of a table that the same transactions write, miss rows: what
 * our readers are spared.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { appendInTransaction, createAppender, headPosition, pokeLog, type Command } from '@fairlead/event-log';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import {
  eventually,
  testDatabase,
  testEvents,
  testMessaging,
  type TestDatabase,
  type TestEvents,
  type TestMessaging,
} from '@fairlead/testing';
import {
  cursorReader,
  followingReader,
  naiveReader,
  projectionReader,
  streamReader,
  type Reader,
  type Seen,
} from '../e2e/support/order-readers.js';
import { proof } from '../e2e/support/proof.js';

const { full, atLeastMs, random, figures, raw } = proof();
const appenders = 64;
const durationMs = full ? atLeastMs || 300_000 : 6_000;
const logger = createLogger({ service: 'test', level: 'silent' });
const relayProcess = fileURLToPath(new URL('../e2e/support/relay-process.mjs', import.meta.url));

let database: TestDatabase;
let bus: TestMessaging;
let pools: Database[];
const relays: ChildProcess[] = [];

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'placement' }), testMessaging()]);
  await database.adminSql.query(`do $$ begin set local role fairlead_placement_owner;
    create table placement.naive (id bigint generated always as identity primary key, at timestamptz not null default clock_timestamp(), command text not null);
    create table placement.order_proof_v1 (position bigint not null, command text not null, applied bigint generated always as identity); end $$`);
  const open = () =>
    openDatabase({ ...database.access('placement'), schema: 'placement', applicationName: 'order-appender', poolSize: 8, logger });
  pools = await Promise.all(Array.from({ length: 8 }, open));
  for (let n = 0; n < 3; n += 1) startRelayProcess();
}, 60_000);

afterAll(async () => {
  for (const relay of relays) relay.kill('SIGKILL');
  await Promise.all(pools.map((pool) => pool.close()));
  await bus.close();
  await database.drop();
}, 60_000);

function startRelayProcess(): void {
  const settings = {
    database: { ...database.access('placement'), schema: 'placement' },
    nats: { url: bus.url, token: bus.token, namespace: bus.namespace },
  };
  relays.push(
    spawn(process.execPath, [relayProcess], { env: { ...process.env, RELAY_SETTINGS: JSON.stringify(settings) }, stdio: 'ignore' }),
  );
}

interface Tally {
  committed: Set<string>;
  rolledBack: Set<string>;
  failed: number;
}

class RolledBack extends Error {}

/** Writes a row and an event in one transaction, over and over: works a while, appends, lingers, then commits or not. */
async function appendLate(pool: Database, id: number, on: { now: boolean }, tally: Tally): Promise<void> {
  while (on.now) {
    const command = commandOf(`t-${String(id % 20)}`);
    const rollBack = random() < 0.125;
    // Most commit soon, some late; the log's lock is held while they linger.
    const [workMs, lingerMs] = [random() * 20, random() < 0.05 ? random() * 20 : random() * 2];
    try {
      await pool.transaction(async (tx) => {
        await tx.query('insert into naive (command) values ($1)', [command.commandId]);
        await tx.query('select pg_sleep($1)', [workMs / 1000]);
        await appendInTransaction(tx, command, testEvents);
        await tx.query('select pg_sleep($1)', [lingerMs / 1000]);
        if (rollBack) throw new RolledBack();
      });
      tally.committed.add(command.commandId);
      pokeLog(bus.messaging, 0);
    } catch (error) {
      if (error instanceof RolledBack) tally.rolledBack.add(command.commandId);
      else tally.failed += 1;
    }
  }
}

/** Appends through an appender, which coalesces and repeats after a lost connection. */
async function appendSoon(pool: Database, on: { now: boolean }, tally: Tally): Promise<void> {
  const appender = createAppender({ catalogue: testEvents, sql: pool.pipeline() });
  while (on.now) {
    const commands = Array.from({ length: 1 + Math.floor(random() * 30) }, () => commandOf('soon'));
    const outcomes = await Promise.allSettled(commands.map((command) => appender.append(command)));
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'fulfilled') tally.committed.add(commands[index]?.commandId ?? '');
      else tally.failed += 1;
    });
    await pause(random() * 10);
  }
  await appender.close();
}

function commandOf(aggregateId: string): Command<TestEvents> & { commandId: string } {
  const commandId = newId('command');
  return { commandId, events: [{ aggregateType: 'tenant', aggregateId, type: 'changed', payload: { command: commandId } }] };
}

/** Ends a connection that is at work every now and then; answers how many. */
async function killConnections(on: { now: boolean }): Promise<number> {
  let killed = 0;
  while (on.now) {
    const rows = await database.adminSql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name in ('order-appender', 'order-relay') and state <> 'idle' order by random() limit 1`,
    );
    killed += rows.length;
    await pause(40 + random() * 80);
  }
  return killed;
}

async function killRelays(on: { now: boolean }): Promise<number> {
  let killed = 0;
  while (on.now) {
    await pause(700 + random() * 1_500);
    const victim = relays.splice(Math.floor(random() * relays.length), 1)[0];
    if (victim === undefined) continue;
    victim.kill('SIGKILL');
    if (victim.exitCode === null && victim.signalCode === null) await once(victim, 'exit');
    killed += 1;
    startRelayProcess();
  }
  return killed;
}

/** Waits until each has come to a position. */
async function reach(readers: Readonly<Record<string, Reader>>, position: number): Promise<void> {
  for (const [name, reader] of Object.entries(readers)) {
    await eventually(async () => (await reader.seen()).some((one) => one.position === position), {
      what: `the reader ${name} to reach ${String(position)}`,
      timeoutMs: 60_000,
    });
  }
}

/** How what a reader saw differs from what is there. */
function compare(
  seen: readonly Seen[],
  stored: readonly Seen[],
): { read: number; skipped: number; doubled: number; out_of_order: number; wrong: number } {
  const positions = new Set(seen.map((one) => one.position));
  const commands = new Map(stored.map((one) => [one.position, one.command]));
  return {
    read: seen.length,
    skipped: stored.filter((one) => !positions.has(one.position)).length,
    doubled: seen.length - positions.size,
    out_of_order: seen.filter((one, index) => index > 0 && one.position !== (seen[index - 1]?.position ?? 0) + 1).length,
    wrong: seen.filter((one) => commands.get(one.position) !== one.command).length,
  };
}

describe(`${String(appenders)} appenders with late commits, rollbacks and killed connections, and three relays that are killed`, () => {
  it(
    'skip, double or disorder nothing for our readers, while readers by number or time miss rows',
    async () => {
      const messaging = bus.messaging;
      const { name: stream } = messaging.topology.streams.evt;
      await eventually(async () => (await messaging.manager()).streams.info(stream), {
        what: 'the relays to make the stream',
        timeoutMs: 30_000,
      });
      const readers: Record<string, Reader> = {
        cursor: cursorReader(database.db),
        follower: followingReader({ sql: database.db, messaging, logger }),
        stream: await streamReader(messaging),
        projection: projectionReader({ db: database.db, messaging, logger, workers: 2 }),
      };
      const naive = { by_number: naiveReader(database.db, 'id'), by_time: naiveReader(database.db, 'at') };
      const on = { now: true };
      const tally: Tally = { committed: new Set(), rolledBack: new Set(), failed: 0 };
      const pool = (n: number) => pools[n % pools.length] ?? database.db;
      const work = Array.from({ length: appenders }, (_, n) =>
        n % 4 === 0 ? appendSoon(pool(n), on, tally) : appendLate(pool(n), n, on, tally),
      );
      const killing = [killConnections(on), killRelays(on)] as const;
      await pause(durationMs);
      on.now = false;
      await Promise.all(work);
      const [connectionsKilled, relaysKilled] = await Promise.all(killing);

      // What comes twice would come before what is appended once everybody was level.
      const level = await headPosition(database.db);
      await reach(readers, level);
      const last = createAppender({ catalogue: testEvents, sql: database.db });
      for (let n = 0; n < 20; n += 1) await last.append(commandOf('last'));
      await last.close();
      const head = await headPosition(database.db);
      expect(head).toBe(level + 20);
      const stored = await database.db.query<Seen>(`select position, payload ->> 'command' as command from log.event order by position`);
      expect(stored.map((one) => one.position)).toEqual(Array.from({ length: head }, (_, n) => n + 1));
      await reach(readers, head);
      const found: Record<string, ReturnType<typeof compare>> = {};
      for (const [name, reader] of Object.entries(readers)) {
        await reader.stop();
        found[name] = compare(await reader.seen(), stored);
      }
      const rows = await database.db.query<{ id: number }>('select id from naive');
      const missed: Record<string, number> = {};
      for (const [name, reader] of Object.entries(naive)) {
        // Its unread rows are not missed.
        await eventually(async () => (await reader.unread()) === 0, { what: `the reader ${name} to have read on`, timeoutMs: 60_000 });
        await reader.stop();
        missed[name] = await reader.missed();
      }

      Object.assign(figures, { events: head, naive_rows: rows.length, connections_killed: connectionsKilled, relays_killed: relaysKilled });
      Object.assign(figures, { rolled_back: tally.rolledBack.size, failed: tally.failed, readers: found, missed_by_naive_readers: missed });
      raw.push({ duration_ms: durationMs, appenders, events_per_second: Math.round((head * 1000) / durationMs) });

      const exact = { read: head, skipped: 0, doubled: 0, out_of_order: 0, wrong: 0 };
      expect(found).toEqual({ cursor: exact, follower: exact, stream: exact, projection: exact });
      const present = new Set(stored.map((one) => one.command));
      expect([...tally.committed].filter((id) => !present.has(id))).toEqual([]);
      expect([...tally.rolledBack].filter((id) => present.has(id))).toEqual([]);
      // Without these the run would not have been one in which anything could go wrong.
      expect(missed['by_number']).toBeGreaterThan(0);
      expect(missed['by_time']).toBeGreaterThan(0);
      expect(connectionsKilled).toBeGreaterThan(0);
      expect(relaysKilled).toBeGreaterThan(0);
      expect(tally.rolledBack.size).toBeGreaterThan(0);
    },
    durationMs + 180_000,
  );
});
