import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failpointBoard, type FailpointBoard } from '@fairlead/testing';
import { failpoint, failpointFiles, failpointFolder } from './failpoint.js';

let board: FailpointBoard;

beforeEach(() => {
  board = failpointBoard(mkdtempSync(join(tmpdir(), 'fairlead-failpoints-')));
  process.env['FAIRLEAD_FAILPOINTS'] = board.folder;
});

afterEach(() => {
  delete process.env['FAIRLEAD_FAILPOINTS'];
  rmSync(board.folder, { recursive: true });
});

describe('a failpoint', () => {
  it('does nothing when it is not switched on, or when no folder is named', async () => {
    await failpoint('a.b');
    board.set('a.b', 'fail');
    process.env['FAIRLEAD_FAILPOINTS'] = '';
    await failpoint('a.b');
    delete process.env['FAIRLEAD_FAILPOINTS'];
    await failpoint('a.b');
    expect(board.taker('a.b')).toBeUndefined();
  });

  it('does nothing in production, whatever the environment names', async () => {
    const { NODE_ENV } = process.env;
    board.set('a.b', 'fail');
    process.env['NODE_ENV'] = 'production';
    try {
      await failpoint('a.b');
      expect([failpointFolder(), board.taker('a.b')]).toEqual([undefined, undefined]);
    } finally {
      process.env['NODE_ENV'] = NODE_ENV;
    }
    await expect(failpoint('a.b')).rejects.toThrow('failpoint a.b');
  });

  it('fails one passer, whatever its name holds, and lets the others pass', async () => {
    const name = 'job.k.step:undo/..before';
    board.set(name, 'fail');
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => failpoint(name)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(existsSync(failpointFiles(board.folder, name).on)).toBe(false);
    expect(board.taker(name)).toBe(process.pid);
    board.set(name, 'fail');
    await expect(failpoint(name)).rejects.toThrow(`failpoint ${name}`);
  });

  it.each(['fail', 'refuse', 'time_out'] as const)('tells with its error that the action was to %s', async (action) => {
    board.set('a.b', action);
    await expect(failpoint('a.b')).rejects.toMatchObject({ name: 'FailpointError', action, message: 'failpoint a.b' });
  });

  it('holds a passer until it is released, and nobody once it was taken back', async () => {
    board.set('a.b', 'pause');
    let passed = false;
    const pass = failpoint('a.b').then(() => (passed = true));
    expect(await board.hit('a.b')).toBe(process.pid);
    await failpoint('a.b');
    expect(passed).toBe(false);
    board.release('a.b');
    await pass;
    board.set('a.b', 'pause');
    board.clear();
    await failpoint('a.b');
  });

  it('kills the process that takes it, and no later one', async () => {
    board.set('a.b', 'kill');
    const source = `import { failpoint } from ${JSON.stringify(import.meta.resolve('./failpoint.ts'))}; await failpoint('a.b'); process.exit(3);`;
    const run = () =>
      new Promise<unknown>((resolve) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'inherit', env: { ...process.env } });
        child.once('exit', (code, signal) => {
          resolve(signal ?? code);
        });
      });
    expect(await run()).toBe('SIGKILL');
    expect(board.taker('a.b')).toBeGreaterThan(0);
    expect(await run()).toBe(3);
  });
});
