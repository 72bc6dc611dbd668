/** Relays over a NATS server and databases of a test's own, and the comparison of the stream with the log. */
import { rm } from 'node:fs/promises';
import { expect } from '@jest/globals';
import type { StreamInfo } from '@nats-io/jetstream';
import { newId } from '@fairlead/contracts';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { createLogger, Registry } from '@fairlead/telemetry';
import {
  eventually,
  eventuallyHolds,
  recordServer,
  testDatabase,
  testEvents,
  testFolder,
  type TestDatabase,
  type TestEvents,
} from '@fairlead/testing';
import { createAppender, headPosition, startRelay, type Command, type NewEvent, type RelayOptions } from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });

export const command = (change: Partial<NewEvent<TestEvents>> = {}): Command<TestEvents> => ({
  commandId: newId('command'),
  events: [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: { id: newId('command') }, ...change }],
});

/** Appends commands of one event each; answers the log's head. */
export async function append(count: number, sql: Sql): Promise<number> {
  const appender = createAppender({ catalogue: testEvents, sql });
  await Promise.all(Array.from({ length: count }, () => appender.append(command())));
  return headPosition(sql);
}

/** A relay's gauge of whether it has stopped. */
export async function expectStopped(registry: Registry, stopped: boolean): Promise<void> {
  await eventuallyHolds(
    async () => {
      expect(await registry.metrics()).toContain(`fairlead_relay_stopped ${stopped ? '1' : '0'}`);
    },
    { what: `the relay to say that it ${stopped ? 'has stopped' : 'goes on'}`, timeoutMs: 20_000 },
  );
}

export class RelayStage {
  readonly dir = testFolder('nats');
  nats!: RunningNats;
  messaging!: Messaging;
  database!: TestDatabase;
  readonly relays: { stop(): Promise<void> }[] = [];
  private readonly others: TestDatabase[] = [];

  static async open(): Promise<RelayStage> {
    const stage = new RelayStage();
    [stage.database] = await Promise.all([testDatabase({ service: 'placement' }), stage.startNats()]);
    stage.messaging = await connectMessaging({ url: stage.nats.url, namespace: '', name: 'spec', logger });
    await eventually(() => stage.messaging.connected(), { what: 'NATS' });
    return stage;
  }

  async close(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.stop()));
    await this.messaging.close();
    await this.nats.stop();
    await Promise.all([this.database, ...this.others].map((one) => one.drop()));
    await rm(this.dir, { recursive: true, force: true });
  }

  async startNats(port?: number): Promise<void> {
    this.nats = await startNats({ dir: this.dir, port, fsync: false, log: () => undefined });
    recordServer({ pid: this.nats.pid, signal: 'SIGTERM' });
  }

  /** A server that is killed, and perhaps loses what it stored. */
  async killNats(options: { wipe?: boolean } = {}): Promise<void> {
    this.nats.kill('SIGKILL');
    await this.nats.exited;
    if (options.wipe === true) await rm(this.dir, { recursive: true, force: true });
  }

  relay(options: Partial<RelayOptions> = {}): { stop(): Promise<void> } {
    const started = startRelay({ sql: this.database.db, messaging: this.messaging, logger, ...options });
    this.relays.push(started);
    return started;
  }

  /** Another database, with a log of its own. */
  async another(service: Parameters<typeof testDatabase>[0]['service'] = 'placement'): Promise<TestDatabase> {
    const made = await testDatabase({ service });
    this.others.push(made);
    return made;
  }

  async streamInfo(): Promise<StreamInfo> {
    return (await this.messaging.manager()).streams.info(this.messaging.topology.streams.evt.name);
  }

  /** Waits until the stream ends at a position, then compares every message with the log. */
  async expectMirror(last: number, options: { first?: number; sql?: Sql } = {}): Promise<void> {
    const { first = 1, sql = this.database.db } = options;
    await eventuallyHolds(
      async () => {
        expect((await this.streamInfo()).state).toMatchObject({ first_seq: first, last_seq: last, messages: last - first + 1 });
      },
      { what: `the stream to hold ${String(first)} to ${String(last)}`, timeoutMs: 20_000 },
    );
    const stored = await sql.query<{ position: number; id: string }>(
      `select position, payload ->> 'id' as id from log.event where position between $1 and $2 order by 1`,
      [first, last],
    );
    const manager = await this.messaging.manager();
    const relayed = await Promise.all(
      stored.map(async ({ position }) => {
        const message = await manager.streams.getMessage(this.messaging.topology.streams.evt.name, { seq: position });
        const data = message?.json<{ position: number; payload: { id?: string } }>();
        return { position: data?.position, id: data?.payload.id ?? null };
      }),
    );
    expect(relayed).toEqual(stored);
  }
}
