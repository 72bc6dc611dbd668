/** The service as a process of its own that is killed between any two steps of sealing: the next one goes on, nothing is lost or done twice. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually, failpointBoard, testFolder, type FailpointBoard } from '@fairlead/testing';
import { trailEnds } from '../projections/audit-record/query.js';
import { segmentsGround, size, type SegmentsGround } from './segments-ground.fixture.js';

jest.setTimeout(300_000);

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Between every two steps, in their order. */
const steps = [
  'audit.seal.after_draft',
  'audit.seal.after_file',
  'audit.seal.after_read_back',
  'audit.seal.after_manifest_draft',
  'audit.seal.after_manifest',
  'audit.seal.before_event',
  'audit.seal.before_commit',
  'audit.seal.after_commit',
  'audit.seal.before_drop',
  'audit.seal.after_batch',
  'audit.seal.after_drop',
];

let ground: SegmentsGround;
let board: FailpointBoard;
let child: ChildProcess | undefined;

beforeEach(async () => {
  expect(existsSync(main)).toBe(true);
  board = failpointBoard(testFolder('seal-crashes'));
  ground = await segmentsGround();
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await ground.stop();
});

/** Starts the service; the log, its chain and the trail are its own from then on. */
function start(): ChildProcess {
  const { database } = ground;
  const env = {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', NATS_URL: 'nats://127.0.0.1:1', LOG_LEVEL: 'error' },
    ...{ SERVICE_KEY: ground.keys.privateJwk, TRUST_JWKS: ground.keys.jwks },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ AUDIT_ANCHOR_FILE: ground.path, AUDIT_ANCHOR_EVERY_MS: '50' },
    ...{ AUDIT_SEGMENT_FOLDER: ground.folder, AUDIT_SEGMENT_EVENTS: String(size), AUDIT_SEAL_EVERY_MS: '50' },
    FAIRLEAD_FAILPOINTS: board.folder,
  };
  return (child = spawn(process.execPath, [main], { env: { ...process.env, ...env }, stdio: 'ignore' }));
}

const adminSql = () => ground.database.adminSql;
const ask = () => adminSql().query('update audit.sealing set asked_before = clock_timestamp()');
const head = async () => (await adminSql().query<{ position: number }>('select position from log.head'))[0]?.position ?? 0;
/** Of the service's own making. */
const anchored = async () =>
  (await adminSql().query<{ position: number }>('select max(position) as position from audit.anchor'))[0]?.position;
const waiting = (what: string) => ({ timeoutMs: 60_000, intervalMs: 50, what });

describe('a service that is killed while it seals', () => {
  it('goes on when it is started again, wherever that was', async () => {
    const count = size * (steps.length + 1);
    await ground.append(count);
    const first = start();
    await eventually(
      async () => (await anchored()) === count && (await trailEnds(ground.database.db)).position === count,
      waiting('all to be in the trail, and anchored'),
    );
    first.kill('SIGKILL');
    await once(first, 'exit');
    await ask();
    for (const step of steps) {
      const before = await ground.state();
      board.set(step, 'kill');
      expect([step, await once(start(), 'exit')]).toEqual([step, [null, 'SIGKILL']]);
      expect([step, board.taker(step)]).toEqual([step, child?.pid]);
      // What is sealed stays so, and what has left the trail is sealed.
      const after = await ground.state();
      expect(after.sealedUntil).toBeGreaterThanOrEqual(before.sealedUntil);
      const [oldest = after.sealedUntil + 1] = await ground.positions();
      expect([step, after.droppedUntil <= after.sealedUntil && oldest <= after.sealedUntil + 1]).toEqual([step, true]);
      expect([step, (await ground.offline()).finding]).toEqual([step, undefined]);
    }
    const last = start();
    // Each segment is an event more: all but less than a segment is sealed in the end.
    const isDone = async () => {
      await ask();
      const { sealedUntil, droppedUntil } = await ground.state();
      const told = await head();
      const { position } = await trailEnds(ground.database.db);
      return sealedUntil === droppedUntil && told - sealedUntil < size && position === told;
    };
    await eventually(isDone, { ...waiting('all whole segments to be sealed, and the trail to hold the rest'), intervalMs: 300 });
    const ended = once(last, 'exit');
    last.kill('SIGTERM');
    await ended;
    const { sealedUntil } = await ground.state();
    const told = (await ground.told()).map(({ type, payload }) => [type, payload['from'], payload['to']]);
    expect(told).toEqual(Array.from({ length: sealedUntil / size }, (_, n) => ['trail_sealed', n * size + 1, (n + 1) * size]));
    expect(await ground.offline()).toMatchObject({ segments: sealedUntil / size, from: 1, to: sealedUntil, finding: undefined });
    expect(await ground.verify()).toMatchObject({ broken: undefined, segments: sealedUntil / size, sealedUntil });
    expect(await ground.positions()).toEqual(Array.from({ length: (await head()) - sealedUntil }, (_, n) => sealedUntil + 1 + n));
    // A file is there once, but for drafts that crashes left.
    expect(ground.files().filter((name) => !name.endsWith('.part'))).toHaveLength((2 * sealedUntil) / size);
  });
});
