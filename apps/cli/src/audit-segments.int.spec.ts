// Real: an HTTP server that answers as the gateway does, files, keys and signatures.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createSegmentSigner, manifestEnd, segmentName } from '@fairlead/audit-chain';
import { generateSigningKey } from '@fairlead/auth';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

jest.setTimeout(30_000);

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const hash = 'ab'.repeat(32);
const segment = {
  ...{ from: 1, to: 20_000, first_time: '2026-01-01T00:00:00.000Z', last_time: '2026-02-01T00:00:00.000Z' },
  ...{ manifest: 'm.json', file: 'f.ndjson.gz', bytes: 1_234_567, sha256: hash, hash, sealed_at: '2026-11-21T10:00:00.000Z' },
};
const sealing = {
  ...{
    enabled: true,
    sealed_until: 20_000,
    dropped_until: 20_000,
    segments: 1,
    bytes: 1_234_567,
    retention_days: 365,
    segment_events: 20_000,
  },
  ...{ asked_before: null, stopped: null, stopped_since: null },
};

describe('audit segments', () => {
  const route = 'GET /admin/v1/audit/segments';

  it('lists them, and tells how far sealing has come', async () => {
    gateway.on(route, { body: { items: [segment], next_cursor: 'c2', sealing } });
    const { out, err, exitCode } = await run(['audit', 'segments', '--limit', '1']);
    expect([exitCode, err]).toEqual([exitCodes.ok, 'there are more: --cursor c2\n']);
    expect(out).toMatch(/1 +20000 +2026-01-01T00:00:00.000Z +2026-02-01T00:00:00.000Z +1234567 +f\.ndjson\.gz/);
    expect(out).toMatch(
      /sealed up to +position 20000\nthe trail begins at +position 20001\nsegments +1, 1234567 bytes\nsealed after +365 days/,
    );
    expect(Object.fromEntries(gateway.of(route)[0]?.query ?? [])).toEqual({ limit: '1' });
  });

  it('tells what is in the way', async () => {
    const none = { ...sealing, sealed_until: 0, dropped_until: 0, segments: 0, bytes: 0, retention_days: null };
    gateway.on(route, { body: { items: [], next_cursor: null, sealing: { ...none, stopped: 'ENOSPC\u001b[2J', stopped_since: 't' } } });
    const { out } = await run(['audit', 'segments']);
    expect(out).toMatch(/nothing is sealed\n[^]*AUDIT_RETENTION_DAYS is not set\n[^]*stopped +ENOSPC.*, since t\n/);
    expect(out).not.toContain('\u001b');
    gateway.on(route, { body: { items: [], next_cursor: null, sealing: { ...none, enabled: false, segment_events: null } } });
    expect((await run(['audit', 'segments'])).out).toContain('never: AUDIT_SEGMENT_FOLDER is not set');
  });
});

describe('audit seal', () => {
  const route = 'POST /admin/v1/audit/segments/seal';

  it('asks for it with a reason', async () => {
    gateway.on(route, { status: 202, body: { ...sealing, asked_before: '2026-11-20T00:00:00.000Z' } });
    const { out, exitCode } = await run(['audit', 'seal', '--before', '2026-11-20T00:00:00Z', '--reason', 'the disk']);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringMatching(/asked for +what is older than 2026-11-20T00:00:00.000Z\n/)]);
    expect(gateway.of(route)[0]?.body).toMatchObject({ reason: 'the disk' });
    expect((await run(['audit', 'seal'])).exitCode).toBe(exitCodes.usage);
    gateway.on(route, problem(403, 'permission_denied', 'It needs the permission audit.seal'));
    expect((await run(['audit', 'seal', '--reason', 'x'])).exitCode).toBe(exitCodes.auth);
  });
});

describe('audit list', () => {
  it('says from where on the trail is sealed, once there is no further page', async () => {
    const route = 'GET /admin/v1/audit';
    gateway.on(route, { body: { items: [], next_cursor: null, position: 30_000, sealed_until: 20_000 } });
    expect((await run(['audit', 'list'])).err).toBe('records up to position 20000 are in sealed segments: fairlead audit segments\n');
    const record = { position: 30_000, time: 't', action: 'a', outcome: 'o', principal: 'p', resource_type: 'r', resource_id: 'i' };
    gateway.on(route, { body: { items: [record], next_cursor: 'c', position: 30_000, sealed_until: 20_000 } });
    expect((await run(['audit', 'list', '--limit', '1'])).err).toBe('there are more: --cursor c\n');
  });
});

describe('audit verify', () => {
  const part = { position: 25, head: 25, next: null, broken: null, anchor: { position: 25, time: 't', incarnation: 'i', kid: 'k' } };
  const whole = { ...part, unanchored: 0, unanchored_since: null, source: 'file', restored: [] };

  it('tells of the segments that were checked, or that they were not', async () => {
    gateway.on('POST /admin/v1/audit/verify', { body: { ...whole, sealed_until: 20, segments: 4 } });
    expect((await run(['audit', 'verify'])).out).toContain('the 4 sealed segments, up to position 20, are as they were sealed\n');
    gateway.on('POST /admin/v1/audit/verify', { body: { ...whole, sealed_until: 20, segments: 0 } });
    expect((await run(['audit', 'verify'])).out).toContain('the files were not checked');
    const broken = { position: 11, kind: 'segment_missing', message: 'm', advice: 'a' };
    gateway.on('POST /admin/v1/audit/verify', { body: { ...whole, broken, sealed_until: 20, segments: 2 } });
    expect(await run(['audit', 'verify'])).toMatchObject({
      exitCode: exitCodes.failed,
      out: expect.stringMatching(/position 11 {2}segment_missing {2}m\n[^]*2 sealed segments are as they were sealed\n/),
    });
  });
});

describe('audit verify --segments', () => {
  const verify = (...args: string[]) => run(['audit', 'verify', ...args], { anonymous: true });
  let [folder, keys] = ['', ''];
  let key: Awaited<ReturnType<typeof generateSigningKey>>;

  beforeEach(async () => {
    key = await generateSigningKey('audit');
    [folder, keys] = [join(stage.dir, 'segments'), join(stage.dir, 'jwks.json')];
    mkdirSync(folder);
    writeFileSync(keys, JSON.stringify({ keys: [key.publicJwk] }));
  });

  it('needs no server, and fails for what is missing', async () => {
    await gateway.stop();
    expect(await verify('--segments', folder, '--key', keys)).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringContaining('there are no segments in the folder'),
    });
    const manifest = {
      from: 1,
      to: 5,
      prior: '00'.repeat(32),
      hash,
      incarnation: 'i',
      first_time: 't',
      last_time: 't',
      file: 'f.ndjson.gz',
    };
    const text = await (
      await createSegmentSigner(key.privateJwk)
    )({
      ...{ ...manifest, bytes: 5, sha256: hash, lines_bytes: 5, sealed_at: '2026-11-21T10:00:00.000Z' },
    });
    writeFileSync(join(folder, `${segmentName(manifest)}${manifestEnd}`), text);
    const { err, out, exitCode } = await verify('--segments', folder, '--key', keys);
    expect([exitCode, err]).toEqual([exitCodes.failed, 'error: the segments are not what was sealed: segment_missing\n']);
    expect(out).toContain('f.ndjson.gz can not be read (ENOENT)');
    const json = JSON.parse((await verify('--segments', folder, '--key', keys, '-o', 'json')).out) as unknown;
    expect(json).toMatchObject({ segments: 0, finding: { kind: 'segment_missing' } });
  });

  it('is wrong usage without a key, or with what belongs to an export', async () => {
    for (const args of [
      ['--segments', folder],
      ['--segments', folder, '--key', keys, '--file', keys],
      ['--segments', folder, '--key', keys, '--anchors', keys],
      ['--segments', join(stage.dir, 'none'), '--key', keys],
      ['--segments', folder, '--key', join(stage.dir, 'none')],
    ])
      expect([args, (await verify(...args)).exitCode]).toEqual([args, exitCodes.usage]);
  });
});
