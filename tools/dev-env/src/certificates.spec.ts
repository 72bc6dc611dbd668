/** The certificates of an installation, from the first to another CA. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkMaterial, type TlsFiles } from '@fairlead/tls';
import { certified, prepareCertificates } from './certificates.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairlead-certs-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const read = ({ cert, key, ca }: TlsFiles) => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
  ca: readFileSync(ca, 'utf8'),
});
const casIn = (bundle: string) => bundle.split(/(?<=-----END CERTIFICATE-----\n)/).filter((text) => text !== '');
/** Which of the CAs that are trusted has signed it: 0 is the first. */
const signer = ({ cert, ca }: { cert: string; ca: string }) =>
  casIn(ca).findIndex((text) => new X509Certificate(cert).verify(new X509Certificate(text).publicKey));
const dayMs = 86_400_000;

describe('certificates of an installation', () => {
  it('are made once, for each its own, with the key of the CA apart from what services read', async () => {
    const { files, issued } = await prepareCertificates(dir);
    expect(issued).toEqual(certified);
    for (const peer of certified) {
      const material = read(files[peer]);
      expect(checkMaterial(material, peer).expiresAt.getTime()).toBeGreaterThan(Date.now() + 89 * dayMs);
      expect(signer(material)).toBe(0);
      expect(statSync(files[peer].key).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(join(dir, 'secrets'))).not.toContain('ca.key');
    expect(statSync(join(dir, 'ca/ca.key')).mode & 0o777).toBe(0o600);
    const before = certified.map((peer) => read(files[peer]));
    expect((await prepareCertificates(dir)).issued).toEqual([]);
    expect(certified.map((peer) => read(files[peer]))).toEqual(before);
  });

  it('are replaced when little of their time is left, when the pair is broken, and when that is asked for', async () => {
    const { files } = await prepareCertificates(dir);
    expect((await prepareCertificates(dir, { now: new Date(Date.now() + 59 * dayMs) })).issued).toEqual([]);
    expect((await prepareCertificates(dir, { now: new Date(Date.now() + 61 * dayMs) })).issued).toEqual(certified);
    writeFileSync(files.audit.key, readFileSync(files.placement.key));
    writeFileSync(files.edge.cert, 'nothing');
    expect((await prepareCertificates(dir)).issued).toEqual(['audit', 'edge']);
    expect((await prepareCertificates(dir, { renew: true, days: 7 })).issued).toEqual(certified);
    expect(checkMaterial(read(files.audit), 'audit').expiresAt.getTime()).toBeLessThan(Date.now() + 8 * dayMs);
  });

  it('move to another CA by steps, with both trusted between', async () => {
    const { files } = await prepareCertificates(dir);
    expect((await prepareCertificates(dir, { newCa: true })).issued).toEqual([]);
    expect([casIn(read(files.audit).ca).length, signer(read(files.audit))]).toEqual([2, 1]);
    await prepareCertificates(dir, { renew: true });
    expect([casIn(read(files.audit).ca).length, signer(read(files.audit))]).toEqual([2, 0]);
    await prepareCertificates(dir, { dropOldCa: true });
    expect([casIn(read(files.audit).ca).length, signer(read(files.audit))]).toEqual([1, 0]);
  });

  it('are not made without the key of the CA, which nothing else needs', async () => {
    await prepareCertificates(dir);
    rmSync(join(dir, 'ca/ca.key'));
    expect((await prepareCertificates(dir)).issued).toEqual([]);
    await expect(prepareCertificates(dir, { renew: true })).rejects.toThrow('ca.key is not there: without it no certificate can be signed');
  });
});
