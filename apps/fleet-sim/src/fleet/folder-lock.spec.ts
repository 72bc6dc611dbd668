import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { takeFolder } from './folder-lock.js';

const folder = () => mkdtempSync(join(tmpdir(), 'lock-'));

describe('folder lock', () => {
  it('keeps a second fleet out until the first gives the folder back', async () => {
    const dir = folder();
    const giveBack = await takeFolder(dir);
    await expect(takeFolder(dir)).rejects.toThrow(`process ${String(process.pid)}`);
    await giveBack();
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
    await (
      await takeFolder(dir)
    )();
  });

  it('takes over from a process that is gone, and from a file cut short', async () => {
    const dir = folder();
    await takeFolder(dir);
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    const lock = JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8')) as { pid: number };
    writeFileSync(join(dir, 'lock.json'), JSON.stringify({ ...lock, pid: child.pid }));
    await (
      await takeFolder(dir)
    )();
    writeFileSync(join(dir, 'lock.json'), '{"pid":');
    await (
      await takeFolder(dir)
    )();
  });
});
