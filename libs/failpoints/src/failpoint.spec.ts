import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@fairlead/testing';
import { failpoint, failpointFiles, type FailpointAction } from './failpoint.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-failpoints-'));
  process.env['FAIRLEAD_FAILPOINTS'] = folder;
});

afterEach(() => {
  delete process.env['FAIRLEAD_FAILPOINTS'];
  rmSync(folder, { recursive: true });
});

function switchOn(name: string, action: FailpointAction): { on: string; hit: string } {
  const files = failpointFiles(folder, name);
  writeFileSync(files.on, action);
  return files;
}

describe('a failpoint', () => {
  it('does nothing when it is not switched on, or when no folder is named', async () => {
    await failpoint('a.b');
    switchOn('a.b', 'fail');
    process.env['FAIRLEAD_FAILPOINTS'] = '';
    await failpoint('a.b');
    delete process.env['FAIRLEAD_FAILPOINTS'];
    await failpoint('a.b');
  });

  it('fails one passer, whatever its name holds, and lets the others pass', async () => {
    const { on, hit } = switchOn('job.k.step:undo/..before', 'fail');
    const passes = [1, 2, 3].map(() => failpoint('job.k.step:undo/..before'));
    const outcomes = await Promise.allSettled(passes);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect({ on: existsSync(on), hit: readFileSync(hit, 'utf8') }).toEqual({ on: false, hit: `fail ${String(process.pid)}\n` });
  });

  it('holds a passer until it is released', async () => {
    const { hit } = switchOn('a.b', 'pause');
    let passed = false;
    const pass = failpoint('a.b').then(() => (passed = true));
    await eventually(() => existsSync(hit), { what: 'the failpoint to be taken' });
    await failpoint('a.b');
    expect(passed).toBe(false);
    rmSync(hit);
    await pass;
  });

  it('kills the process that takes it, and no later one', async () => {
    switchOn('a.b', 'kill');
    const source = `import { failpoint } from ${JSON.stringify(import.meta.resolve('./failpoint.ts'))}; await failpoint('a.b'); process.exit(3);`;
    const run = () =>
      new Promise<unknown>((resolve) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
          env: { ...process.env, FAIRLEAD_FAILPOINTS: folder },
          stdio: 'inherit',
        });
        child.once('exit', (code, signal) => {
          resolve(signal ?? code);
        });
      });
    expect(await run()).toBe('SIGKILL');
    expect(await run()).toBe(3);
  });
});
