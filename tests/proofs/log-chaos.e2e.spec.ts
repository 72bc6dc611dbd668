/**
 * Clients of the change stream end with exactly the log, whatever happens between Postgres and them. Postgres, NATS, audit
 * (which runs the relay and the trail) and the gateway are killed, NATS loses its store, and an older backup of the database is
 * restored under everybody: then a new incarnation begins by itself, clients drop what is no longer so, and nobody takes
 * another event for one that it knows.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type ControlPlaneService } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { createAppender, readHead, readLog, type AppendOutcome, type StoredEvent } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { idOf, pollingClient, streamingClient, type KnowingClient } from '../e2e/support/known-log.js';
import { Operator } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';
import { openStackDatabase } from '../e2e/support/stack-database.js';

const { full, atLeastMs, random, shuffled, figures, raw } = proof();

const blows = ['postgres killed', 'nats killed', 'nats wiped', 'audit killed', 'gateway killed'] as const;
type Blow = (typeof blows)[number];

let stack: Stack;
let gateway: Database;
let audit: Database;
let clients: KnowingClient[];
let writer: Writer;
let ann: Operator;

beforeAll(async () => {
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: true,
    sim: false,
    log: () => undefined,
    // A NATS server that others use can't be taken away.
    env: { NATS_URL: '' },
    restartDelayMs: 100,
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { status, body } = await ann.post<{ token: string }>('/admin/v1/api-tokens', { name: 'chaos', roles: ['admin'] });
  expect(status).toBe(201);
  [gateway, audit] = await Promise.all([open('api-gateway'), open('audit')]);
  clients = [
    streamingClient('stream 1', stack.url, body.token),
    streamingClient('stream 2', stack.url, body.token),
    pollingClient('poll 1', stack.url, body.token),
    pollingClient('poll 2', stack.url, body.token),
  ];
  writer = startWriter(gateway);
}, 180_000);

afterAll(async () => {
  await writer.stop();
  await Promise.all(clients.map((client) => client.stop()));
  await Promise.all([gateway.close(), audit.close()]);
  await stack.stop();
}, 90_000);

/** The stack's database as a service. */
function open(service: ControlPlaneService): Promise<Database> {
  return openStackDatabase(stack.stateDir, service, { applicationName: 'test-chaos', poolSize: 2 });
}

interface Writer {
  /** Commands that were answered with the position of their event. */
  readonly accepted: Map<string, number>;
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

/** Appends events of the gateway's, one after the other; one whose outcome is not known is repeated under its id. */
function startWriter(sql: Database): Writer {
  const appender = createAppender({ sql });
  const accepted = new Map<string, number>();
  let [on, paused] = [true, false];
  let busy: Promise<unknown> = Promise.resolve();
  const write = async () => {
    const commandId = newId('command');
    const payload = { email: 'chaos@example.test', address: '192.0.2.1', cause: 'unknown_user' } as const;
    const events = [{ aggregateType: 'user', aggregateId: commandId, type: 'login_failed', payload } as const];
    for (let outcome: AppendOutcome | undefined; on && outcome === undefined;) {
      outcome = await appender.append({ commandId, events }).catch(() => undefined);
      if (outcome?.status === 'ok') accepted.set(commandId, outcome.lastPosition);
      else await pause(20);
    }
  };
  const running = (async () => {
    while (on) {
      if (!paused) await (busy = write());
      await pause(random() * 8);
    }
  })();
  return {
    accepted,
    pause: async () => {
      paused = true;
      await busy;
    },
    resume: () => {
      paused = false;
    },
    stop: async () => {
      on = false;
      await running;
    },
  };
}

async function strike(blow: Blow): Promise<void> {
  if (blow === 'audit killed' || blow === 'gateway killed') {
    const name = blow === 'audit killed' ? 'audit' : 'api-gateway';
    const pid = await eventually(() => stack.pids()[name], { what: `${name} to run`, timeoutMs: 30_000 });
    process.kill(pid, 'SIGKILL');
    await eventually(() => stack.pids()[name] !== undefined && stack.pids()[name] !== pid, {
      what: `${name} to be back`,
      timeoutMs: 30_000,
    });
    return;
  }
  const hold = await stack.hold(blow === 'postgres killed' ? 'postgres' : 'nats', { wipe: blow === 'nats wiped' });
  await pause(random() * 300);
  await hold.release();
}

const headNow = () => eventually(() => readHead(gateway), { what: 'the log to answer', timeoutMs: 30_000 });

/** Waits until the log has grown, so that what comes next has something to break. */
async function grows(by: number): Promise<void> {
  const { position } = await headNow();
  await eventually(async () => (await headNow()).position >= position + by, { what: `${String(by)} more events`, timeoutMs: 30_000 });
}

/** How the gateway follows the log, from its metrics. */
async function following(): Promise<{ streaming: boolean; fromStream: number }> {
  const metrics = await (await fetch(`${stack.url}/metrics`)).text();
  const valueOf = (line: string) =>
    Number(
      metrics
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.slice(line.length) ?? 0,
    );
  return {
    streaming: valueOf('fairlead_follower_streaming') === 1,
    fromStream: valueOf('fairlead_follower_events_total{source="stream"}'),
  };
}

/** While events are written: the gateway reads them from the stream again, not only from Postgres. */
async function expectStreaming(): Promise<void> {
  const soon = { what: 'the gateway to follow the stream again', timeoutMs: 60_000 };
  const { fromStream } = await eventually(async () => {
    const found = await following();
    return found.streaming && found;
  }, soon);
  await eventually(async () => (await following()).fromStream > fromStream, { ...soon, what: 'events to come from the stream' });
}

interface Verified {
  readonly status: number;
  readonly body: { findings: unknown[]; stream_problem: string | null; stream_compared: number; next: number | null };
}

/** The log is whole, and each message of the stream is the log's event: what `fairlead log verify` says. */
async function expectMirrored(events: number): Promise<void> {
  await eventuallyHolds(
    async () => {
      let compared = 0;
      for (let from: number | null = 1; from !== null;) {
        const { status, body }: Verified = await ann.post('/admin/v1/log/verify', { from });
        expect({ status, findings: body.findings, problem: body.stream_problem }).toEqual({ status: 200, findings: [], problem: null });
        compared += body.stream_compared;
        from = body.next;
      }
      expect(compared).toBe(events);
    },
    { what: `the stream to hold the log's ${String(events)} events`, timeoutMs: 60_000 },
  );
}

/** Every client, the trail and the stream end with exactly the log, once the writer rests. */
async function expectExact(): Promise<number> {
  await expectStreaming();
  await writer.pause();
  const log = await eventually(() => wholeLog(), { what: 'the log to be read', timeoutMs: 30_000 });
  for (const { name, known } of clients) {
    await eventuallyHolds(
      () => {
        expect({ name, faults: known.faults, knows: known.ids.length }).toEqual({ name, faults: [], knows: log.length });
      },
      { what: `${name} to know ${String(log.length)} events`, timeoutMs: 60_000 },
    );
    expect(known.ids).toEqual(log);
  }
  await eventuallyHolds(
    async () => {
      const trail = await audit.query<{ position: number }>('select position from record order by position');
      expect(trail.map((row) => row.position)).toEqual(log.map((_, index) => index + 1));
    },
    { what: 'the trail to hold each event once', timeoutMs: 60_000 },
  );
  await expectMirrored(log.length);
  return log.length;
}

async function wholeLog(): Promise<string[]> {
  const events: StoredEvent[] = [];
  for (let page: StoredEvent[] | undefined; page?.length !== 0; events.push(...page))
    page = await readLog(gateway, { after: events.length, limit: 10_000 });
  return events.map(({ aggregateType, aggregateId, version, type }) =>
    idOf({ aggregate_type: aggregateType, aggregate_id: aggregateId, version, type }),
  );
}

/** Copies a data folder of a server that is down. */
function copyData(from: string, to: string): void {
  const copied = spawnSync('sh', ['-c', 'rm -rf "$2" && cp -a "$1" "$2"', 'copy', from, to], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(`the data could not be copied: ${copied.stderr}`);
}

const dataFolder = () => realpathSync(join(stack.stateDir, 'postgres/data'));
const backupFolder = () => `${dataFolder()}.backup`;

/** Does something while Postgres is down. */
async function whilePostgresIsDown(work: () => void): Promise<void> {
  const hold = await stack.hold('postgres');
  work();
  await hold.release();
}

describe('clients with cursors, and the trail', () => {
  let rounds = 0;
  const startedAt = performance.now();

  async function round(): Promise<void> {
    rounds += 1;
    writer.resume();
    await grows(10);
    const all = shuffled(blows);
    for (const blow of full ? all : all.slice(0, 2)) {
      await strike(blow);
      await grows(15);
      raw.push({ round: rounds, blow, at: (await headNow()).position });
    }
    figures['events'] = await expectExact();
    expect([...writer.accepted.keys()].filter((id) => !clients.every(({ known }) => known.ids.some((one) => one.includes(id))))).toEqual(
      [],
    );
  }

  it(
    'end with exactly the log after everything between was killed',
    async () => {
      do await round();
      while (full && performance.now() - startedAt < Math.max(atLeastMs, 60_000));
      figures['rounds'] = rounds;
    },
    Math.max(atLeastMs, 60_000) + 300_000,
  );

  it('notice that an older backup was restored, drop what is no longer so and end with exactly the restored log', async () => {
    for (let restore = 1; restore <= (full ? 3 : 1); restore += 1) {
      writer.resume();
      await grows(5);
      // What the backup ends with is known when nobody writes around the copy.
      await writer.pause();
      await whilePostgresIsDown(() => {
        copyData(dataFolder(), backupFolder());
      });
      const backup = await headNow();
      writer.resume();
      await grows(40);
      const lost = await expectExact();
      const toldBefore = clients.map(({ known }) => known.superseded);
      await whilePostgresIsDown(() => {
        copyData(backupFolder(), dataFolder());
      });
      writer.accepted.clear();
      // Services write to the restored log before anybody has noticed.
      writer.resume();
      const begun = await eventually(
        async () => {
          const head = await readHead(gateway);
          return head.incarnation !== backup.incarnation && head;
        },
        { what: 'a new incarnation to begin by itself', timeoutMs: 60_000 },
      );
      await grows(20);
      const restored = await expectExact();
      const [row] = await gateway.query<{ began_after: number }>('select began_after from log.incarnation where incarnation = $1', [
        begun.incarnation,
      ]);
      expect(row?.began_after).toBeGreaterThanOrEqual(backup.position);
      expect(row?.began_after).toBeLessThan(lost);
      const recorded = await gateway.query<{ after: number }>(
        `select (payload ->> 'after')::int as after from log.event where type = 'incarnation_begun' and payload ->> 'incarnation' = $1`,
        [begun.incarnation],
      );
      expect(recorded).toEqual([{ after: row?.began_after }]);
      expect(clients.map(({ known }, index) => known.superseded - (toldBefore[index] ?? 0))).toEqual(clients.map(() => 1));
      raw.push({ restore, backup: backup.position, lost, began_after: row?.began_after, restored });
      figures['restores'] = restore;
    }
  }, 300_000);
});
