/** A real nats-server that knows its users by their certificates, set up as an installation is, and clients of it. */
import { readFileSync } from 'node:fs';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { natsInbox, type ControlPlaneService } from '@fairlead/contracts';
import { natsAccountsByCertificate, natsTls, prepareCertificates, type Certified } from '@fairlead/dev-env';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { fixedTls, type TlsFiles, type TlsMaterial } from '@fairlead/tls';

/** Whoever has an account. */
export type User = ControlPlaneService | 'fleet';

export interface NatsGround {
  readonly server: RunningNats;
  readonly url: string;
  /** What the server has been told to use, in a folder that `prepareCertificates` may change. */
  readonly dir: string;
  /** A user's certificate as it is now. */
  material(user: Certified): TlsMaterial;
  /** Connected as a service connects, or as managed services do. */
  messaging(user: User): Promise<Messaging>;
  /** Connected with a plain client, as somebody has it who took the user's place. */
  intruder(user: User): Promise<Intruder>;
  /** Connects with any certificate; rejects when the server refuses it. */
  connectWith(material: TlsMaterial): Promise<NatsConnection>;
  stop(): Promise<void>;
}

export interface Intruder {
  readonly connection: NatsConnection;
  /** Subjects that the server has refused to publish to. */
  readonly refused: Set<string>;
}

/** Starts a server and answers how to reach it. Call `stop()` in the end; it closes connections too. */
export async function natsGround(): Promise<NatsGround> {
  const dir = testFolder('nats-certificates');
  const { files } = await prepareCertificates(dir);
  const authorization = `${natsTls(files.nats)}${natsAccountsByCertificate('')}`;
  const server = await startNats({ dir: testFolder('nats'), authorization, fsync: false, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  const url = server.url.replace('nats:', 'tls:');
  const logger = createLogger({ service: 'spec', level: 'silent' });
  const material = (user: Certified) => read(files[user]);
  const cleanups: (() => Promise<void>)[] = [() => server.stop()];
  return {
    ...{ server, url, dir, material },
    messaging: async (user) => {
      const inboxPrefix = user === 'fleet' ? undefined : natsInbox(user);
      const tls = fixedTls(material(user));
      const makesStreams = user === 'audit';
      const messaging = await connectMessaging({ url, tls, namespace: '', name: user, inboxPrefix, makesStreams, logger });
      cleanups.push(() => messaging.close());
      await eventually(() => messaging.connected(), { what: `a connection of ${user}` });
      return messaging;
    },
    intruder: async (user) => {
      const connection = await connect({
        servers: url,
        tls: material(user),
        ...(user === 'fleet' ? {} : { inboxPrefix: natsInbox(user) }),
      });
      cleanups.push(() => connection.close());
      const refused = new Set<string>();
      void (async () => {
        for await (const status of connection.status()) {
          const found = status.type === 'error' ? /Violation for Publish to "(.*)"/.exec(String(status.error)) : null;
          if (found?.[1] !== undefined) refused.add(found[1]);
        }
      })();
      return { connection, refused };
    },
    connectWith: async (given) => {
      const connection = await connect({ servers: url, tls: given, reconnect: false });
      cleanups.push(() => connection.close());
      return connection;
    },
    stop: async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}

const read = ({ cert, key, ca }: TlsFiles): TlsMaterial => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
  ca: readFileSync(ca, 'utf8'),
});

/** Whether a subject is one of those that a pattern with wildcards stands for. */
export function covers(pattern: string, subject: string): boolean {
  const token = (wanted: string) => (wanted === '*' ? '[^.]+' : wanted.replaceAll('$', '\\$'));
  return new RegExp(
    `^${pattern
      .split('.')
      .map((wanted) => (wanted === '>' ? '.+' : token(wanted)))
      .join('\\.')}$`,
  ).test(subject);
}
