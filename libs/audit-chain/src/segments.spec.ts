// Real: files, gzip, keys and signatures.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  anchorLine,
  canonicalRow,
  createManifestVerifier,
  createSegmentSigner,
  endLine,
  eventLine,
  exportHeader,
  genesis,
  linksOf,
  manifestEnd,
  segmentName,
  verifySegments,
  type SegmentManifest,
} from './index.js';
import { firstLife, rowAt, signer, type Signer } from './chain.fixture.js';

let audit: Signer;
let sign: Awaited<ReturnType<typeof createSegmentSigner>>;
let folder: string;

const size = 5;
const events = Array.from({ length: 3 * size }, (_, index) => canonicalRow(rowAt(index + 1)));
const links = linksOf(genesis, events);
const hashAt = (at: number) => (links[at - 1]?.hash ?? genesis).toString('hex');

beforeAll(async () => {
  audit = await signer();
  sign = await createSegmentSigner(audit.privateJwk);
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-segments-'));
  for (const from of [1, 6, 11]) await seal(from);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function linesOf(from: number, edit = (line: string) => line): Promise<string> {
  const to = from + size - 1;
  const anchor = await audit.sign({ links, from: Math.max(1, from - 2), to: Math.min(events.length, to + 2) });
  const lines = [
    exportHeader({ from, to, prior: hashAt(from - 1), incarnation: firstLife, exported_at: '2026-11-21T10:00:00.000Z' }),
    ...events.slice(from - 1, to).map((event, index) => edit(eventLine(event, links[from - 1 + index]?.hash ?? genesis))),
    anchorLine(anchor),
    endLine({ events: size, anchors: 1, kids: [anchor.kid] }),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Seals a segment as the service does; whoever has its key may say what they like. */
async function seal(from: number, more: Partial<SegmentManifest> = {}, edit?: (line: string) => string, signIt = sign): Promise<string> {
  const to = from + size - 1;
  const text = await linesOf(from, edit);
  const packed = gzipSync(text);
  const name = segmentName({ from, to, hash: hashAt(to) });
  const file = `${name}.ndjson.gz`;
  writeFileSync(join(folder, file), packed);
  const manifest: SegmentManifest = {
    ...{ from, to, prior: hashAt(from - 1), hash: hashAt(to), incarnation: firstLife, file, bytes: packed.length },
    ...{ first_time: 't', last_time: 't', sha256: createHash('sha256').update(packed).digest('hex') },
    ...{ lines_bytes: Buffer.byteLength(text), sealed_at: '2026-11-21T10:00:00.000Z', ...more },
  };
  writeFileSync(join(folder, `${name}${manifestEnd}`), await signIt(manifest));
  return name;
}

const verify = () => verifySegments({ folder, verifyAnchor: audit.verify, verifyManifest: createManifestVerifier(audit.jwks) });
const nameAt = (from: number) => segmentName({ from, to: from + size - 1, hash: hashAt(from + size - 1) });
const path = (from: number, end = '.ndjson.gz') => join(folder, `${nameAt(from)}${end}`);
const found = async () => {
  const { finding, segments } = await verify();
  return [finding?.kind, segments];
};

describe('the segments of a folder', () => {
  it('are verified by themselves, from whichever is the first', async () => {
    expect(await verify()).toMatchObject({
      segments: 3,
      from: 1,
      to: 15,
      prior: hashAt(0),
      hash: hashAt(15),
      finding: undefined,
      restored: [],
    });
    for (const end of ['.ndjson.gz', manifestEnd]) rmSync(path(1, end));
    writeFileSync(join(folder, 'trail-000000000016-000000000020-ab.ndjson.gz.part'), 'what a crash left');
    expect(await verify()).toMatchObject({ segments: 2, from: 6, to: 15, prior: hashAt(5), finding: undefined });
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    expect(await verify()).toMatchObject({ segments: 0, from: 0, to: 0, finding: undefined });
  });

  it('have what was done to a file named', async () => {
    const whole = readFileSync(path(6));
    rmSync(path(6));
    expect(await found()).toEqual(['segment_missing', 1]);
    for (const change of [
      () => {
        truncateSync(path(6), whole.length - 1);
      },
      () => {
        copyFileSync(path(1), path(6));
      },
      () => {
        writeFileSync(path(6), gzipSync(gunzipSync(whole), { level: 1 }));
      },
      () => {
        writeFileSync(path(6), Buffer.concat([whole, Buffer.alloc(1)]));
      },
    ]) {
      writeFileSync(path(6), whole);
      change();
      expect(await found()).toEqual(['segment_file_wrong', 1]);
    }
  });

  it('have what was done to a manifest named', async () => {
    const text = readFileSync(path(6, manifestEnd), 'utf8');
    for (const [kind, changed] of [
      ['segment_signature_wrong', text.replace('"to":10', '"to":11')],
      ['segment_signature_wrong', text.replace(/"sha256":"..../, '"sha256":"0000')],
      ['segment_unreadable', text.slice(0, -20)],
      ['segment_unreadable', ''],
      ['segment_unreadable', `${text}${' '.repeat(20_000)}`],
      ['segment_unreadable', readFileSync(path(1, manifestEnd), 'utf8')],
    ] as const) {
      writeFileSync(path(6, manifestEnd), changed);
      expect([changed, await found()]).toEqual([changed, [kind, 1]]);
    }
  });

  it('prove nothing with another key, be it of another service of ours', async () => {
    for (const service of ['audit', 'placement']) {
      await seal(6, {}, undefined, await createSegmentSigner((await signer(service)).privateJwk));
      expect(await found()).toEqual(['segment_signature_wrong', 1]);
    }
    // An anchor is no manifest, though the same key has signed it.
    const { jws } = await audit.sign({ links, from: 1, to: 5 });
    const { manifest } = JSON.parse(readFileSync(path(6, manifestEnd), 'utf8')) as { manifest: unknown };
    writeFileSync(path(6, manifestEnd), JSON.stringify({ jws, manifest }));
    expect(await found()).toEqual(['segment_unreadable', 1]);
  });

  it.each([
    ['an event that was edited', 6, {}, (line: string) => line.replace('"n":8', '"n":9')],
    ['another hash behind it', 6, { hash: hashAt(10).replace(/.$/, (last) => (last === '0' ? '1' : '0')) }, undefined],
    ['another range', 6, { from: 7 }, undefined],
  ])('are held against the anchors in them: %s', async (_what, from, more, edit) => {
    const name = await seal(from, more, edit);
    const named = segmentName({ from: 6, to: 10, hash: hashAt(10), ...more });
    if (named !== name) renameSync(join(folder, `${name}${manifestEnd}`), join(folder, `${named}${manifestEnd}`));
    const { finding } = await verify();
    expect(finding?.kind).toMatch(/^segment_(broken|gap)$/);
  });

  it('have to follow each other', async () => {
    rmSync(path(6, manifestEnd));
    expect(await found()).toEqual(['segment_gap', 1]);
    await seal(6, { prior: hashAt(3) });
    expect(await found()).toEqual(['segment_gap', 1]);
  });

  it('are unpacked no further than they were packed', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    await seal(6, { bytes: bomb.length, sha256: createHash('sha256').update(bomb).digest('hex') });
    writeFileSync(path(6), bomb);
    expect(await found()).toEqual(['segment_file_wrong', 1]);
  });
});
