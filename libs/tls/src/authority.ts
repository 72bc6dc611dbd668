/** Makes certificate authorities and certificates, for development, tests and installations that have no CA of their own. */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Peer } from '@fairlead/contracts';
import { identityUri } from './identity.js';

/** A CA that can sign: its certificate and its private key, as PEM. */
export interface Authority {
  readonly cert: string;
  readonly key: string;
}

/** A certificate with its private key, as PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

const keys = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signing = { name: 'ECDSA', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks of machines differ. */
const earlierMs = 5 * 60_000;

/** Makes a CA of its own key. It signs certificates of peers and no other CAs. */
export async function createAuthority({ name = 'Fairlead CA', days = 3_650, now = new Date() } = {}): Promise<Authority> {
  const pair = await newPair();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: `CN=${name}`,
      ...validity(now, days),
      keys: pair,
      signingAlgorithm: signing,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(pair.publicKey, false, provider),
      ],
    },
    provider,
  );
  return { cert: pem(certificate), key: await privatePem(pair) };
}

/**
 * Signs a certificate, for both ends of a connection, that speaks for a peer.
 * @param hosts names and addresses that servers are also found by, for clients that check those
 * @throws Error when the CA's parts can't be read
 */
export async function issueCertificate(
  authority: Authority,
  { peer, hosts = [], days = 90, now = new Date() }: { peer: Peer; hosts?: readonly string[]; days?: number; now?: Date },
): Promise<Issued> {
  const issuer = new X509Certificate(authority.cert);
  const pair = await newPair();
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${peer}`,
      issuer: issuer.subject,
      ...validity(now, days),
      publicKey: pair.publicKey,
      signingKey: await signingKeyOf(authority.key),
      signingAlgorithm: signing,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([
          { type: 'url', value: identityUri(peer) },
          ...hosts.map((host) => ({ type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const), value: host })),
        ]),
        await SubjectKeyIdentifierExtension.create(pair.publicKey, false, provider),
        await AuthorityKeyIdentifierExtension.create(issuer, false, provider),
      ],
    },
    provider,
  );
  return { cert: pem(certificate), key: await privatePem(pair) };
}

const provider = webcrypto;
cryptoProvider.set(provider);

const newPair = () => provider.subtle.generateKey(keys, true, ['sign', 'verify']);

/** Positive, and never 0, as RFC 5280 wants it. */
const serialNumber = () => `4${randomBytes(16).toString('hex').slice(1)}`;

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - earlierMs),
  notAfter: new Date(now.getTime() + days * dayMs),
});

const pem = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`;

async function privatePem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return `${PemConverter.encode(await provider.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`;
}

function signingKeyOf(text: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(text).export({ format: 'der', type: 'pkcs8' });
  return provider.subtle.importKey('pkcs8', new Uint8Array(der), keys, false, ['sign']);
}
