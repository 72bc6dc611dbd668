/** NATS by mutual TLS, where the certificate says who somebody is and what they may do, on a real server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Peer } from '@fairlead/contracts';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { createLogger } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, recordServer, testFolder } from '@fairlead/testing';
import { fixedTls, identityUri, type TlsMaterial, type TlsSource } from '@fairlead/tls';
import { createAuthority, issueCertificate, type Authority } from '@fairlead/tls/authority';
import { connectMessaging, type Messaging } from './index.js';

jest.setTimeout(60_000);
let ca: Authority;
let stranger: Authority;
let lines: string[] = [];
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  [ca, stranger] = await Promise.all([createAuthority(), createAuthority()]);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  lines = [];
});

const issued = async (authority: Authority, peer: Peer): Promise<TlsMaterial> => ({
  ...(await issueCertificate(authority, { peer, hosts: ['127.0.0.1'] })),
  ca: ca.cert,
});

/** A server that knows its users by their certificates. `trusted` are the CAs that it trusts. */
async function serve(material: TlsMaterial, port?: number): Promise<RunningNats> {
  const dir = testFolder('nats-tls');
  for (const part of ['cert', 'key', 'ca'] as const) writeFileSync(join(dir, part), material[part]);
  const user = (peer: Peer, subject: string) =>
    `{ user: "${identityUri(peer)}", permissions: { publish: ["${subject}", "$JS.API.>"], subscribe: ["${subject}", "_INBOX.>"] } }`;
  const authorization = `
tls { cert_file: "${join(dir, 'cert')}", key_file: "${join(dir, 'key')}", ca_file: "${join(dir, 'ca')}", verify_and_map: true }
accounts { FAIRLEAD { jetstream: enabled, users: [${user('audit', 'of.audit')}, ${user('placement', 'of.placement')}] } }
`;
  const server = await startNats({ dir, port, authorization, fsync: false, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  cleanups.push(() => server.stop());
  return server;
}

async function connectTo(server: RunningNats, tls: TlsSource | undefined, scheme = 'tls'): Promise<Messaging> {
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'spec', level: 'info', destination });
  const url = server.url.replace('nats:', `${scheme}:`);
  const messaging = await connectMessaging({ url, tls, namespace: '', name: 'spec', logger });
  cleanups.push(() => messaging.close());
  return messaging;
}

const connected = (messaging: Messaging) => eventually(() => messaging.connected(), { what: 'a connection', timeoutMs: 20_000 });
const refused = async (messaging: Messaging, why: RegExp) => {
  await eventuallyHolds(
    () => {
      expect(lines.join('')).toMatch(why);
    },
    { what: 'a line that says why', timeoutMs: 20_000 },
  );
  expect(messaging.connections()).toBe(0);
};

describe('NATS by mutual TLS', () => {
  it('a service has the rights of its certificate, without any password', async () => {
    const server = await serve(await issued(ca, 'nats'));
    const audit = await connectTo(server, fixedTls(await issued(ca, 'audit')));
    const placement = await connectTo(server, fixedTls(await issued(ca, 'placement')));
    await Promise.all([connected(audit), connected(placement)]);
    const heard: unknown[] = [];
    audit.subscribeCore('of.audit', (data) => heard.push(data));
    await audit.connection?.flush();
    placement.publishCore('of.audit', { from: 'placement' });
    await placement.connection?.flush();
    await eventuallyHolds(
      () => {
        expect(lines.join('')).toContain('Permissions Violation for Publish to \\"of.audit\\"');
      },
      { what: 'the refusal' },
    );
    audit.publishCore('of.audit', { from: 'audit' });
    await eventuallyHolds(
      () => {
        expect(heard).toEqual([{ from: 'audit' }]);
      },
      { what: 'the message that is allowed' },
    );
  });

  it('a stranger, a certificate that no user has, and plain text are not let in', async () => {
    const server = await serve(await issued(ca, 'nats'));
    const problem = /NATS is not reachable; trying again/;
    await refused(await connectTo(server, fixedTls(await issued(stranger, 'audit'))), problem);
    lines = [];
    await refused(await connectTo(server, fixedTls(await issued(ca, 'edge'))), problem);
    lines = [];
    await refused(await connectTo(server, undefined), problem);
  });

  it('a server that offers no TLS, or whose certificate speaks for somebody else, gets nothing', async () => {
    const other = await serve(await issued(ca, 'placement'));
    await refused(
      await connectTo(other, fixedTls(await issued(ca, 'audit'))),
      /the server's certificate speaks for placement, not for nats/,
    );
    lines = [];
    const plain = await startNats({ dir: testFolder('nats-plain'), fsync: false, log: () => undefined });
    recordServer({ pid: plain.pid, signal: 'SIGTERM' });
    cleanups.push(() => plain.stop());
    await refused(await connectTo(plain, fixedTls(await issued(ca, 'audit'))), /tls/i);
  });

  it('a connection that comes back is made with the newest certificate', async () => {
    let material = await issued(ca, 'audit');
    const source = { ...fixedTls(material), current: () => material };
    const server = await serve(await issued(ca, 'nats'));
    const messaging = await connectTo(server, source);
    await connected(messaging);
    // The server comes back trusting another CA alone, and the service has new files.
    const next = await issueCertificate(stranger, { peer: 'audit' });
    material = { ...next, ca: stranger.cert };
    await server.stop();
    await serve({ ...(await issueCertificate(stranger, { peer: 'nats' })), ca: stranger.cert }, server.port);
    await eventually(() => messaging.connections() === 2, { what: 'the connection to come back', timeoutMs: 30_000 });
  });
});
