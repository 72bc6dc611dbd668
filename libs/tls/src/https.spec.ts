/** HTTPS between services: who is told, who is not, and certificates that change. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Peer } from '@fairlead/contracts';
import { createAuthority, issueCertificate, type Authority } from './authority.js';
import { fixedTls, readByHttps, tellByHttps, type TlsMaterial, type TlsSource } from './index.js';

let ca: Authority;
let stranger: Authority;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  [ca, stranger] = await Promise.all([createAuthority(), createAuthority()]);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const issued = async (authority: Authority, peer: Peer): Promise<TlsMaterial> => ({
  ...(await issueCertificate(authority, { peer })),
  ca: ca.cert,
});
const as = async (peer: Peer, authority = ca) => fixedTls(await issued(authority, peer));
const readers: readonly Peer[] = ['audit', 'placement'];

async function tell(source: TlsSource): Promise<string> {
  const told = { path: '/keys', contentType: 'application/json', text: () => '{"keys":[]}' };
  const server = await tellByHttps(told, { source, host: '127.0.0.1', port: 0, readers });
  cleanups.push(() => server.close());
  return `https://127.0.0.1:${String(server.port)}/keys`;
}
const read = (url: string, source: TlsSource, server: Peer = 'api-gateway') =>
  readByHttps(url, { source, server, timeoutMs: 5_000, maxBytes: 1_000 });

describe('a text that is told by HTTPS', () => {
  it('is read by who may', async () => {
    const url = await tell(await as('api-gateway'));
    for (const reader of readers) expect(await read(url, await as(reader))).toBe('{"keys":[]}');
  });

  it('is not told to others, and there is nothing else', async () => {
    const url = await tell(await as('api-gateway'));
    await expect(read(url, await as('edge'))).rejects.toThrow('it was answered with 403');
    await expect(read(url.replace('/keys', '/'), await as('audit'))).rejects.toThrow('it was answered with 404');
    await expect(read(url, await as('audit', stranger))).rejects.toThrow();
    await expect(fetch(url)).rejects.toThrow();
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
  });

  it('is not taken from another server', async () => {
    const reader = await as('audit');
    await expect(read(await tell(await as('placement')), reader)).rejects.toThrow(
      "the server's certificate speaks for placement, not for api-gateway",
    );
    await expect(read(await tell(await as('api-gateway', stranger)), reader)).rejects.toThrow(/certificate/);
  });

  it('is bounded in length and in time', async () => {
    const { cert, key } = await issued(ca, 'api-gateway');
    const serve = async (server: Server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      cleanups.push(() => {
        server.closeAllConnections();
        server.close();
      });
      return `https://127.0.0.1:${String((server.address() as AddressInfo).port)}/keys`;
    };
    const source = await as('audit');
    const long = await serve(createServer({ cert, key }, (_asked, answer) => answer.end('x'.repeat(2_000))));
    await expect(read(long, source)).rejects.toThrow('the answer is longer than 1000 bytes');
    const silent = await serve(createServer({ cert, key }, () => undefined));
    const asked = readByHttps(silent, { source, server: 'api-gateway', timeoutMs: 200, maxBytes: 1_000 });
    await expect(asked).rejects.toThrow(/abort/i);
  });

  it('goes on with new certificates on both sides', async () => {
    let [server, reader] = [await issued(ca, 'api-gateway'), await issued(ca, 'audit')];
    const changed = new Set<() => void>();
    const url = await tell({
      current: () => server,
      onChange: (run) => (changed.add(run), () => changed.delete(run)),
      close: () => undefined,
    });
    const source = { ...fixedTls(reader), current: () => reader };
    expect(await read(url, source)).toBe('{"keys":[]}');
    server = { ...(await issueCertificate(stranger, { peer: 'api-gateway' })), ca: stranger.cert };
    for (const run of changed) run();
    await expect(read(url, source)).rejects.toThrow();
    reader = { ...(await issueCertificate(stranger, { peer: 'audit' })), ca: stranger.cert };
    expect(await read(url, source)).toBe('{"keys":[]}');
  });
});
