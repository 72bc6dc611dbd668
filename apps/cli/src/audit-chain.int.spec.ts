// Real: files, keys and signatures, an HTTP server that answers as the gateway does.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { anchorLine, canonicalRow, createAnchorSigner, endLine, eventLine, exportHeader, genesis, linksOf } from '@fairlead/audit-chain';
import { generateSigningKey } from '@fairlead/auth';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];
let key: Awaited<ReturnType<typeof generateSigningKey>>;

beforeAll(async () => {
  key = await generateSigningKey('audit');
});

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const anchor = { position: 20, time: '2026-11-21T10:00:00.000Z', incarnation: 'i', kid: 'audit.x' };

describe('audit chain', () => {
  it('shows where chain and anchors stand', async () => {
    const chain = {
      head: 25,
      incarnation: 'i',
      position: 24,
      hash: 'ab',
      lag: 1,
      lag_seconds: 0.5,
      unanchored: 5,
      kept: ['file'],
      stopped: null,
    };
    gateway.on('GET /admin/v1/audit/chain', { body: { ...chain, anchor } });
    const { out, exitCode } = await run(['audit', 'chain']);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringMatching(/last anchor +position 20, 2026-11-21T10:00:00.000Z\n/)]);
    expect(out).toMatch(/not anchored +5 events\n/);
    expect(JSON.parse((await run(['audit', 'chain', '-o', 'json'])).out)).toEqual({ ...chain, anchor });
    gateway.on('GET /admin/v1/audit/chain', { body: { ...chain, anchor: null, kept: [], stopped: 'the disk is\u001b[2J full' } });
    expect((await run(['audit', 'chain'])).out).toMatch(/the database alone\nstopped +the disk is .*full\n/);
  });
});

describe('audit verify', () => {
  const path = '/admin/v1/audit/verify';
  const part = {
    position: 12,
    head: 25,
    next: null,
    broken: null,
    anchor,
    unanchored: 5,
    unanchored_since: 't',
    source: 'file',
    restored: [],
  };

  it('goes from part to part, telling how far it is', async () => {
    gateway.on(`POST ${path}`, ({ body }) => ({
      body: body['cursor'] === undefined ? { ...part, next: 'c2' } : { ...part, position: 25 },
    }));
    const { out, err, exitCode } = await run(['audit', 'verify']);
    expect([exitCode, err]).toEqual([exitCodes.ok, 'checked up to 12 of 25\n']);
    expect(out).toContain('positions 1 to 25 are as they were recorded\n');
    expect(out).toContain(
      'the last anchor is at position 20, of 2026-11-21T10:00:00.000Z, signed with audit.x, read from the anchor file\n',
    );
    expect(out).toContain('5 events are not anchored yet');
    expect(gateway.seen.map(({ body }) => body)).toEqual([{}, { cursor: 'c2' }]);
  });

  it('fails with what broke first, also as JSON, and does not turn in circles', async () => {
    const broken = { position: 13, kind: 'edited', message: 'the event is not the one that was recorded', advice: 'keep it' };
    gateway.on(`POST ${path}`, { body: { ...part, broken } });
    const { out, err, exitCode } = await run(['audit', 'verify']);
    expect([exitCode, err]).toEqual([exitCodes.failed, 'error: the log is not what was recorded: edited\n']);
    expect(out).toContain('position 13  edited  the event is not the one that was recorded\n  keep it\n');
    const json = await run(['audit', 'verify', '-o', 'json']);
    expect([json.exitCode, JSON.parse(json.out)]).toMatchObject([exitCodes.failed, { broken }]);
    gateway.on(`POST ${path}`, { body: { ...part, next: 'same' } });
    expect(await run(['audit', 'verify'])).toMatchObject({ exitCode: exitCodes.failed, err: expect.stringContaining('does not get on') });
  });

  it('fails when nothing is anchored, but for an empty log', async () => {
    gateway.on(`POST ${path}`, { body: { ...part, anchor: null } });
    expect(await run(['audit', 'verify'])).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringContaining('no anchor covers the log'),
    });
    gateway.on(`POST ${path}`, { body: { ...part, anchor: null, position: 0, head: 0, unanchored: 0, unanchored_since: null } });
    expect(await run(['audit', 'verify'])).toMatchObject({
      exitCode: exitCodes.ok,
      out: expect.stringMatching(/^there are no events to check\n/),
    });
  });

  it('fails for a restore until it is named', async () => {
    const restored = [{ incarnation: 'i2', after: 4, lost_until: 9, lost_time: 't' }];
    gateway.on(`POST ${path}`, { body: { ...part, restored } });
    const { out, exitCode } = await run(['audit', 'verify']);
    expect([exitCode, out]).toEqual([
      exitCodes.failed,
      expect.stringContaining('restored: incarnation i2 of the log began after position 4'),
    ]);
    expect((await run(['audit', 'verify', '--accept-restored', 'i1'])).exitCode).toBe(exitCodes.failed);
    expect((await run(['audit', 'verify', '--accept-restored', 'i1,i2'])).exitCode).toBe(exitCodes.ok);
  });
});

describe('audit verify --file', () => {
  const count = 8;
  let file: string;
  let keys: string;

  /** Writes an export of events with anchors at 3 and 6. */
  async function exported(reason = '', lastApart = 1): Promise<string[]> {
    const events = Array.from({ length: count }, (_, index) =>
      canonicalRow({
        ...{
          position: index + 1,
          aggregate_type: 'job',
          aggregate_id: `job_${index}`,
          version: '1',
          type: 'job_queued',
          schema_version: '1',
        },
        ...{
          payload: JSON.stringify({ n: index, reason }),
          meta: '{"principal":"user:usr_ada"}',
          recorded_at: `${1_763_700_000 + (index === 7 ? 6 + lastApart : index)}.000000`,
        },
      }),
    );
    const links = linksOf(genesis, events);
    const sign = await createAnchorSigner(key.privateJwk);
    const anchors: string[] = [];
    for (const [from, to] of [
      [1, 3],
      [4, 6],
    ] as const) {
      const of = links.slice(from - 1, to);
      const lineage = [{ incarnation: 'i', after: 0 }];
      const leaves = Buffer.concat(of.map(({ leaf }) => leaf));
      anchors.push(
        anchorLine(
          await sign({ incarnation: 'i', from, position: to, hash: of.at(-1)?.hash ?? genesis, leaves, time: new Date(), lineage }),
        ),
      );
    }
    return [
      exportHeader({ from: 1, to: count, prior: genesis.toString('hex'), incarnation: 'i', exported_at: '2026-11-21T10:00:00.000Z' }),
      ...events.map((event, index) => eventLine(event, links[index]?.hash ?? genesis)),
      ...anchors,
      endLine({ events: count, anchors: 2, kids: [key.publicJwk.kid] }),
    ];
  }

  const write = (lines: readonly string[]) => {
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  };
  const verify = (...more: string[]) => run(['audit', 'verify', '--file', file, '--key', keys, ...more], { anonymous: true });

  beforeEach(() => {
    [file, keys] = [join(stage.dir, 'trail.jsonl'), join(stage.dir, 'jwks.json')];
    writeFileSync(keys, JSON.stringify({ keys: [key.publicJwk] }));
  });

  it('needs no server, and says up to where the export is anchored', async () => {
    write(await exported());
    await gateway.stop();
    const { out, err, exitCode } = await verify();
    expect([exitCode, err]).toEqual([exitCodes.ok, '']);
    expect(out).toMatch(
      /^positions 1 to 8 of 1 to 8 are as they were recorded\nanchored up to position 6, by an anchor of .*, signed with audit\..*\n2 events behind it are not anchored/,
    );
    expect(JSON.parse((await verify('-o', 'json')).out)).toMatchObject({ checked: 8, anchored: { position: 6 } });
  });

  it('ends lines at line feeds alone, whatever an event says, and takes them byte for byte', async () => {
    const lines = await exported('one\u2028two\u2029three\u0085four\ufffd');
    write(lines);
    expect(await verify()).toMatchObject({ exitCode: exitCodes.ok, err: '' });
    expect(readFileSync(file, 'utf8')).toContain('one\u2028two\u2029three\u0085four');
    // A byte that is no UTF-8 is read as U+FFFD by whoever does not look.
    writeFileSync(file, Buffer.from(readFileSync(file).toString('latin1').replace('\u00ef\u00bf\u00bd', '\u00ff'), 'latin1'));
    expect((await verify()).err).toContain('line_unreadable at line 2');
    writeFileSync(file, lines.join('\r\n'));
    expect((await verify()).err).toContain('line_unreadable at line 1');
  });

  it('names the first line that is broken', async () => {
    const lines = await exported();
    write(lines.with(5, (lines[5] ?? '').replace('usr_ada', 'usr_eve')));
    expect(await verify()).toMatchObject({ exitCode: exitCodes.failed, out: expect.stringContaining('line 6, position 5  edited  ') });
    write(lines.toSpliced(4, 1));
    expect((await verify()).err).toBe('error: the export is not what was recorded: deleted at line 5\n');
    write(lines.slice(0, -1));
    expect((await verify()).err).toContain('incomplete');
    expect(JSON.parse((await verify('-o', 'json')).out)).toMatchObject({ finding: { kind: 'incomplete' } });
  });

  it('proves nothing without the right keys, or without anchors; anchors kept elsewhere will do', async () => {
    const lines = await exported();
    write(lines);
    const other = await generateSigningKey('audit');
    writeFileSync(keys, JSON.stringify({ keys: [other.publicJwk] }));
    expect((await verify()).err).toContain('anchor_signature_wrong at line 10');
    writeFileSync(keys, JSON.stringify({ keys: [key.publicJwk] }));
    write([...lines.slice(0, 9), endLine({ events: count, anchors: 0, kids: [] })]);
    expect((await verify()).err).toContain('no anchor covers the export');
    const anchors = join(stage.dir, 'anchors.jsonl');
    writeFileSync(anchors, `${lines.slice(9, 11).join('\n')}\n`);
    expect(await verify('--anchors', anchors)).toMatchObject({
      exitCode: exitCodes.ok,
      out: expect.stringContaining('anchored up to position 6'),
    });
  });

  it('fails when what is behind the last anchor took longer than anchors do, until that is allowed', async () => {
    write(await exported('', 300));
    expect((await verify()).exitCode).toBe(exitCodes.ok);
    write(await exported('', 301));
    expect(await verify()).toMatchObject({
      exitCode: exitCodes.failed,
      out: expect.stringContaining('2 events behind it are not anchored'),
      err: expect.stringContaining('--allow-unanchored'),
    });
    expect(await verify('--allow-unanchored')).toMatchObject({ exitCode: exitCodes.ok, err: '' });
    expect((await run(['audit', 'verify', '--allow-unanchored'])).exitCode).toBe(exitCodes.usage);
  });

  it('fails when the anchor file goes on behind the export, until that is allowed', async () => {
    const lines = await exported();
    const anchors = join(stage.dir, 'anchors.jsonl');
    writeFileSync(anchors, `${lines.slice(9, 11).join('\n')}\n`);
    const header = JSON.parse(lines[0] ?? '') as object;
    const end = endLine({ events: 3, anchors: 1, kids: [key.publicJwk.kid] });
    write([JSON.stringify({ ...header, to: 3 }), ...lines.slice(1, 4), lines[9] ?? '', end]);
    expect((await verify()).exitCode).toBe(exitCodes.ok);
    expect(await verify('--anchors', anchors)).toMatchObject({
      exitCode: exitCodes.failed,
      out: expect.stringMatching(/the anchor file goes on up to position 6, of \S+Z: the 3 events behind position 3 are not in the export/),
      err: expect.stringContaining('--allow-shorter'),
    });
    expect(await verify('--anchors', anchors, '--allow-shorter')).toMatchObject({ exitCode: exitCodes.ok, err: '' });
  });

  it('is wrong usage with files that are none, or a private key', async () => {
    write(await exported());
    for (const args of [
      ['--file', file],
      ['--key', keys],
      ['--anchors', file],
      ['--file', join(stage.dir, 'none'), '--key', keys],
      ['--file', file, '--key', join(stage.dir, 'none')],
      ['--file', file, '--key', file],
    ]) {
      const { exitCode, err } = await run(['audit', 'verify', ...args]);
      expect([args, exitCode]).toEqual([args, exitCodes.usage]);
      expect(err).not.toContain('usr_ada');
    }
    writeFileSync(keys, JSON.stringify({ keys: [key.privateJwk] }));
    const { exitCode, err } = await verify();
    expect([exitCode, err.includes(key.privateJwk.d)]).toEqual([exitCodes.usage, false]);
    expect(gateway.seen).toEqual([]);
  });
});

describe('audit export', () => {
  const route = 'GET /admin/v1/audit/export';
  const whole = '{"a":1}\n{"anchors":0,"end":true,"events":0,"kids":[]}\n';

  it('writes what comes to a file that its owner alone can read', async () => {
    gateway.on(route, { headers: { 'content-type': 'application/x-ndjson' }, body: whole });
    const out = join(stage.dir, 'trail.jsonl');
    const answer = await run(['audit', 'export', '--out', out, '--from', '3', '--to', '9']);
    expect([answer.exitCode, readFileSync(out, 'utf8')]).toEqual([exitCodes.ok, whole]);
    expect(answer.out).toMatch(/^\d+ bytes are in .*trail\.jsonl; its SHA-256 is [0-9a-f]{64}\n$/);
    expect(Object.fromEntries(gateway.of(route)[0]?.query ?? [])).toEqual({ from: '3', to: '9' });
    expect(gateway.of(route)[0]?.headers.accept).toBe('application/x-ndjson');
  });

  it('keeps nothing of one that broke off, and what was there before', async () => {
    const out = join(stage.dir, 'trail.jsonl');
    writeFileSync(out, 'before');
    gateway.on(route, { body: '{"a":1}\n' });
    expect(await run(['audit', 'export', '--out', out])).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringMatching(/broke off.*life of a token.*--from and --to/),
    });
    gateway.on(route, (_seen, response) => {
      response.writeHead(200).write('{"a":1}\n', () => response.destroy());
      return 'handled';
    });
    expect(await run(['audit', 'export', '--out', out])).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringMatching(/broke off.*life of a token.*--from and --to/),
    });
    expect([readFileSync(out, 'utf8'), readdirSync(stage.dir).filter((name) => name.endsWith('.part'))]).toEqual(['before', []]);
    gateway.on(route, problem(403, 'permission_denied', 'It needs the permission audit.export'));
    const other = join(stage.dir, 'other.jsonl');
    expect([(await run(['audit', 'export', '--out', other])).exitCode, existsSync(other)]).toEqual([exitCodes.auth, false]);
    expect((await run(['audit', 'export'])).exitCode).toBe(exitCodes.usage);
    gateway.on(route, { body: whole });
    expect((await run(['audit', 'export', '--out', join(stage.dir, 'no', 'such', 'dir')])).exitCode).toBe(exitCodes.usage);
  });
});
