/** Certificates that are made, whom they speak for, and files that change under a running process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger, createMetrics } from '@fairlead/telemetry';
import { eventuallyHolds } from '@fairlead/testing';
import { createAuthority, issueCertificate, type Authority } from './authority.js';
import { checkMaterial, identityUri, peerOf, tlsFilesOf, watchTls, type TlsFiles, type TlsMaterial } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-tls-'));
let ca: Authority;
let own: TlsMaterial;

beforeAll(async () => {
  ca = await createAuthority();
  own = { ...(await issueCertificate(ca, { peer: 'audit', hosts: ['audit', '127.0.0.1'] })), ca: ca.cert };
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a certificate that is made', () => {
  it('is signed by its CA, speaks for its peer, and is for both ends of a connection', () => {
    const [made, issuer] = [new X509Certificate(own.cert), new X509Certificate(ca.cert)];
    expect(made.checkIssued(issuer) && made.verify(issuer.publicKey)).toBe(true);
    expect([made.ca, issuer.ca]).toEqual([false, true]);
    expect(made.subjectAltName).toBe(`URI:${identityUri('audit')}, DNS:audit, IP Address:127.0.0.1`);
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(checkMaterial(own, 'audit').expiresAt).toEqual(made.validToDate);
  });

  it('is refused where it speaks for another, has expired or is not valid yet, and with the key of another', async () => {
    expect(() => checkMaterial(own, 'placement')).toThrow('the certificate speaks for audit, not for placement');
    const [before, after] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 91 * 86_400_000)];
    expect(() => checkMaterial(own, 'audit', before)).toThrow('the certificate is not valid before 20');
    expect(() => checkMaterial(own, 'audit', after)).toThrow('the certificate expired at 20');
    const other = await issueCertificate(ca, { peer: 'audit' });
    expect(() => checkMaterial({ ...own, key: other.key }, 'audit')).toThrow('the private key is not that of the certificate');
  });

  it.each(['cert', 'key', 'ca'] as const)('is refused when the file of the %s is cut off, without quoting it', (part) => {
    const cut = own[part].slice(0, own[part].length / 2);
    expect(() => checkMaterial({ ...own, [part]: cut }, 'audit')).toThrow(/can't be read \(\w+\)$/);
  });
});

describe('whom a certificate speaks for', () => {
  it.each([
    ['URI:spiffe://fairlead/audit', 'audit'],
    ['DNS:audit, URI:spiffe://fairlead/edge, IP Address:127.0.0.1', 'edge'],
    ['DNS:audit', undefined],
    ['URI:spiffe://fairlead/nobody', undefined],
    ['URI:spiffe://elsewhere/audit', undefined],
    ['URI:spiffe://fairlead/audit/more', undefined],
    ['URI:spiffe://fairlead/audit, URI:spiffe://fairlead/placement', undefined],
    ['DNS:"a, URI:spiffe://fairlead/audit, b"', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s → %s', (names, peer) => {
    expect(peerOf(names)).toBe(peer);
  });
});

describe('the settings', () => {
  it('are all three or none', () => {
    expect(tlsFilesOf({})).toBeUndefined();
    expect(tlsFilesOf({ TLS_CERT_FILE: 'a', TLS_KEY_FILE: 'b', TLS_CA_FILE: 'c' })).toEqual({ cert: 'a', key: 'b', ca: 'c' });
    expect(() => tlsFilesOf({ TLS_CERT_FILE: 'a' })).toThrow(/TLS_KEY_FILE is missing[\s\S]*TLS_CA_FILE is missing/);
  });
});

describe('files that are watched', () => {
  const files: TlsFiles = { cert: join(folder, 'cert'), key: join(folder, 'key'), ca: join(folder, 'ca') };
  const put = (material: TlsMaterial) => {
    for (const part of ['cert', 'key', 'ca'] as const) writeFileSync(files[part], material[part]);
  };
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'spec', level: 'info', destination });

  it('keep a process from starting when they are of no use', () => {
    const watch = (given: TlsFiles) => () => watchTls({ files: given, peer: 'audit', logger });
    expect(watch({ ...files, cert: join(folder, 'none') })).toThrow(/TLS_CERT_FILE: the file can't be read \(ENOENT\)/);
    put({ ...own, key: 'nothing' });
    expect(watch(files)).toThrow(/the private key can't be read/);
  });

  it('are taken when new ones fit together; until then the last good ones stay, and log and metrics say so', async () => {
    put(own);
    const registry = createMetrics({ service: 'spec', version: '1', gitSha: '1', processMetrics: false });
    const source = watchTls({ files, peer: 'audit', logger, registry, everyMs: 5 });
    const metric = async (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(await registry.metrics())?.[1]);
    let changes = 0;
    const remove = source.onChange(() => (changes += 1));
    try {
      expect(await metric('fairlead_tls_certificate_days_left')).toBeCloseTo(90, 1);
      expect(await metric('fairlead_tls_files_refused')).toBe(0);
      const next = { ...(await issueCertificate(ca, { peer: 'audit', days: 30 })), ca: ca.cert };
      // Half written, then with the old key, then gone, then whole.
      for (const cert of [next.cert.slice(0, 200), next.cert]) {
        writeFileSync(files.cert, cert);
        const said = lines.length;
        await eventuallyHolds(
          () => {
            expect(lines.length).toBeGreaterThan(said);
          },
          { what: 'a line about the files' },
        );
        expect(lines.at(-1)).toContain('the last good ones stay in use');
        expect(await metric('fairlead_tls_files_refused')).toBe(1);
        expect([source.current(), changes]).toEqual([own, 0]);
      }
      writeFileSync(files.key, next.key);
      await eventuallyHolds(
        () => {
          expect([source.current(), changes]).toEqual([next, 1]);
        },
        { what: 'the new certificate' },
      );
      await eventuallyHolds(
        async () => {
          expect(await metric('fairlead_tls_files_refused')).toBe(0);
        },
        { what: 'the files to be fine again' },
      );
      expect(await metric('fairlead_tls_certificate_days_left')).toBeCloseTo(30, 1);
      rmSync(files.ca);
      await eventuallyHolds(
        async () => {
          expect(await metric('fairlead_tls_files_refused')).toBe(1);
        },
        { what: 'the missing file to be noticed' },
      );
      expect(source.current()).toEqual(next);
      expect(lines.join('')).not.toContain('PRIVATE KEY');
    } finally {
      remove();
      source.close();
    }
  });

  it('are read no more once the source is closed', async () => {
    put(own);
    const source = watchTls({ files, peer: 'audit', logger, everyMs: 1 });
    source.close();
    const other = watchTls({ files, peer: 'audit', logger, everyMs: 1 });
    put({ ...(await issueCertificate(ca, { peer: 'audit' })), ca: ca.cert });
    await eventuallyHolds(
      () => {
        expect(other.current()).not.toEqual(own);
      },
      { what: 'the open one to see the new files' },
    );
    other.close();
    expect(source.current()).toEqual(own);
  });
});
