/**
 * The certificates that services show each other. `<dir>/ca` holds the CA, whose key stays with the operator; `<dir>/secrets` holds what
 * processes read: `<peer>.tls.crt` and `<peer>.tls.key` of each, and `tls-ca.crt`, whom they trust.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneServices, type Peer } from '@fairlead/contracts';
import type { TlsFiles } from '@fairlead/tls';
import { createAuthority, issueCertificate, type Authority } from '@fairlead/tls/authority';
import { readIfThere, writeWhole } from './files.js';

/** Who gets a certificate: the services, the proxy before the gateways, managed services, and the servers of NATS and PostgreSQL. */
export const certified = [...controlPlaneServices, 'edge', 'fleet', 'nats', 'postgres'] as const satisfies readonly Peer[];
export type Certified = (typeof certified)[number];

export interface CertificateOptions {
  /** Replaces every certificate; otherwise those alone that are missing or have less than a third of their time left. */
  readonly renew?: boolean;
  /** Makes another CA, which is trusted beside the one before; certificates are of the new one once they are renewed. */
  readonly newCa?: boolean;
  /** The newest CA alone is trusted. */
  readonly dropOldCa?: boolean;
  /** How long certificates that are made last. */
  readonly days?: number;
  readonly now?: Date;
}

/**
 * Makes what is missing of an installation's certificates.
 * @returns the files of each, and who got a new certificate
 * @throws Error when a certificate is to be signed and the CA's key is not there
 */
export async function prepareCertificates(
  dir: string,
  options: CertificateOptions = {},
): Promise<{ files: Readonly<Record<Certified, TlsFiles>>; issued: Certified[] }> {
  const { now = new Date(), days = 90 } = options;
  for (const folder of ['ca', 'secrets']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const bundle = join(dir, 'secrets/tls-ca.crt');
  const authority = await authorityOf(dir, options.newCa ?? false);
  const trusted = readIfThere(bundle) ?? '';
  const others = options.dropOldCa === true ? '' : trusted.replace(authority.cert, '');
  writeWhole(bundle, `${authority.cert}${others}`);
  const issued: Certified[] = [];
  const files = Object.fromEntries(
    certified.map((peer) => [
      peer,
      { cert: join(dir, 'secrets', `${peer}.tls.crt`), key: join(dir, 'secrets', `${peer}.tls.key`), ca: bundle },
    ]),
  ) as Record<Certified, TlsFiles>;
  for (const peer of certified) {
    if (options.renew !== true && isGood(files[peer], now)) continue;
    if (authority.key === undefined) throw new Error(`${join(dir, 'ca/ca.key')} is not there: without it no certificate can be signed`);
    const made = await issueCertificate({ cert: authority.cert, key: authority.key }, { peer, days, now, hosts: hosts[peer] });
    writeWhole(files[peer].key, made.key);
    writeWhole(files[peer].cert, made.cert);
    issued.push(peer);
  }
  return { files, issued };
}

/** Names for clients that check those, as that of PostgreSQL does, and those of managed services. */
const hosts: Readonly<Partial<Record<Certified, readonly string[]>>> = {
  nats: ['nats', 'localhost', '127.0.0.1'],
  postgres: ['postgres', 'localhost', '127.0.0.1'],
};

/** The newest CA; its key may be kept elsewhere. */
async function authorityOf(dir: string, another: boolean): Promise<{ cert: string; key: string | undefined }> {
  const [certFile, keyFile] = [join(dir, 'ca/ca.crt'), join(dir, 'ca/ca.key')];
  const [cert, key] = [readIfThere(certFile), readIfThere(keyFile)];
  // A key that is not the certificate's is what a crash between the two files leaves.
  if (cert !== undefined && !another && (key === undefined || new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))))
    return { cert, key };
  const made: Authority = await createAuthority();
  writeWhole(keyFile, made.key);
  writeWhole(certFile, made.cert);
  return made;
}

/** A pair that fits together and has more than a third of its time left. */
function isGood(files: TlsFiles, now: Date): boolean {
  const [cert, key] = [readIfThere(files.cert), readIfThere(files.key)];
  if (cert === undefined || key === undefined) return false;
  try {
    const own = new X509Certificate(cert);
    const [from, to] = [own.validFromDate.getTime(), own.validToDate.getTime()];
    return own.checkPrivateKey(createPrivateKey(key)) && to - now.getTime() > (to - from) / 3;
  } catch {
    return false;
  }
}
