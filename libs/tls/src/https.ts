/** HTTPS between services, by mutual TLS: both ends show a certificate that says whom it speaks for. */
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '@fairlead/contracts';
import { peerOf, speaksFor } from './identity.js';
import type { TlsSource } from './source.js';

/** A text that is told at one path. */
export interface ToldText {
  readonly path: string;
  readonly contentType: string;
  text(this: void): string;
}

/**
 * Tells a text to peers, and nothing to others: who has no certificate of a CA that is trusted gets no connection, another peer 403. New
 * connections use the newest files.
 * @returns where it listens, and how to end it
 */
export async function tellByHttps(
  { path, contentType, text }: ToldText,
  options: { source: TlsSource; host: string; port: number; readers: readonly Peer[] },
): Promise<{ port: number; close(): Promise<void> }> {
  const { source, readers } = options;
  const server = createServer({ ...source.current(), requestCert: true, rejectUnauthorized: true }, (asked, answer) => {
    const peer = peerOf((asked.socket as TLSSocket).getPeerCertificate().subjectaltname);
    const may = peer !== undefined && readers.includes(peer);
    const found = asked.method === 'GET' && asked.url === path;
    asked.resume();
    // One question a connection, so that each shows the newest certificates.
    answer.setHeader('connection', 'close');
    if (may && found) answer.setHeader('content-type', contentType).end(text());
    else answer.writeHead(may ? 404 : 403).end();
  });
  const remove = source.onChange(() => {
    server.setSecureContext(source.current());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        remove();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/**
 * Reads a text from a server that speaks for a peer, whatever name it is found under.
 * @throws Error that says why there is none: no connection, another server, a status, too long, or too late
 */
export function readByHttps(
  url: string,
  { source, server, timeoutMs, maxBytes }: { source: TlsSource; server: Peer; timeoutMs: number; maxBytes: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { cert, key, ca } = source.current();
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request(url, { agent: false, cert, key, ca, checkServerIdentity: speaksFor(server), signal }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        parts.push(part);
        bytes += part.byteLength;
        if (bytes <= maxBytes) return;
        reject(new Error(`the answer is longer than ${String(maxBytes)} bytes`));
        asked.destroy();
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(parts).toString('utf8'));
        else reject(new Error(`it was answered with ${String(answer.statusCode)}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
