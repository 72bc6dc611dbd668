import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Peer } from '@fairlead/contracts';
import { peerOf } from './identity.js';

/** A certificate, its key and whom to trust, as PEM texts. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Checks that a handshake can be made with it: all parts can be read, the key is the certificate's, the certificate speaks for the
 * peer and is valid now.
 * @returns when the certificate ends
 * @throws Error that says which part is wrong, and tells nothing of the key
 */
export function checkMaterial({ cert, key, ca }: TlsMaterial, peer: Peer, now = new Date()): { expiresAt: Date } {
  const own = read('the certificate', () => new X509Certificate(cert));
  const privateKey = read('the private key', (): KeyObject => createPrivateKey(key));
  if (!own.checkPrivateKey(privateKey)) throw new Error('the private key is not that of the certificate');
  const named = peerOf(own.subjectAltName);
  if (named !== peer) throw new Error(`the certificate speaks for ${named ?? own.subjectAltName ?? 'nobody'}, not for ${peer}`);
  if (own.validFromDate > now) throw new Error(`the certificate is not valid before ${own.validFromDate.toISOString()}`);
  if (own.validToDate <= now) throw new Error(`the certificate expired at ${own.validToDate.toISOString()}`);
  read('the CA', () => new X509Certificate(ca));
  read('the chain', () => createSecureContext({ cert, key, ca }));
  return { expiresAt: own.validToDate };
}

function read<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    // OpenSSL's code alone: a message may quote what it read.
    throw new Error(`${what} can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`, { cause: undefined });
  }
}
