import { randomBytes } from 'node:crypto';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually } from './eventually.js';
import { recordServer, testFolder } from './run.js';

export interface TestMessaging {
  readonly url: string;
  readonly token: string | undefined;
  /** Streams and subjects of this test file alone. */
  readonly namespace: string;
  /** Connected. */
  readonly messaging: Messaging;
  /** The server of this test file; undefined when CONTROL_TEST_NATS_URL gave one. */
  readonly server: RunningNats | undefined;
  /** Closes the connection and ends the server, or deletes this namespace's streams from the given one. */
  close(): Promise<void>;
}

/**
 * A nats-server with JetStream of this test file's own, on a free port with a temporary store; or the server that
 * CONTROL_TEST_NATS_URL (and CONTROL_TEST_NATS_TOKEN) names, with a namespace of its own. Call `close()` in afterAll.
 */
export async function testMessaging(): Promise<TestMessaging> {
  const given = process.env['CONTROL_TEST_NATS_URL'];
  const server = given === undefined || given === '' ? await startOwn() : undefined;
  const url = server?.url ?? given ?? '';
  const token = server === undefined ? process.env['CONTROL_TEST_NATS_TOKEN'] : undefined;
  const namespace = `t${randomBytes(6).toString('hex')}`;
  const logger = createLogger({ service: 'test', level: 'silent' });
  const messaging = await connectMessaging({ url, token, namespace, name: 'test', logger });
  await eventually(() => messaging.connected(), { what: `a connection to NATS at ${url}` });
  return {
    url,
    token,
    namespace,
    messaging,
    server,
    close: async () => {
      if (server === undefined) await deleteStreams(messaging, namespace);
      await messaging.close();
      await server?.stop();
    },
  };
}

async function startOwn(): Promise<RunningNats> {
  const lines: string[] = [];
  const server = await startNats({ dir: testFolder('nats'), fsync: false, log: (line) => lines.push(line) });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  return server;
}

async function deleteStreams(messaging: Messaging, namespace: string): Promise<void> {
  const manager = await messaging.manager();
  const prefix = namespace.toUpperCase();
  const names: string[] = [];
  for await (const name of manager.streams.names()) {
    if (name.startsWith(`${prefix}_`) || name.startsWith(`KV_${prefix}_`)) names.push(name);
  }
  for (const name of names) await manager.streams.delete(name);
}
