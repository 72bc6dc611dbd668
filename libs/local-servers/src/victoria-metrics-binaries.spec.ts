import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findVictoriaMetrics } from './victoria-metrics-binaries.js';

let folder: string;
const path = process.env['PATH'];

/** A program on the PATH. */
function program(name: string, script: string): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vm-programs-'));
  mkdirSync(join(folder, 'bin'));
  program('apt-get', 'echo no network >&2; exit 1');
  // Whatever is installed here is not found.
  process.env['PATH'] = join(folder, 'bin');
});

afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

describe('findVictoriaMetrics', () => {
  const find = (impatient: boolean) => findVictoriaMetrics({ cacheDir: join(folder, 'cache'), log: () => undefined, impatient });

  it('says why it is not there, and keeps nobody waiting for it twice in a day who is impatient', () => {
    expect(find(true)).toEqual({ missing: expect.stringMatching(/^VictoriaMetrics is not there: put .* on PATH/) });
    expect(find(true)).toEqual({ missing: expect.stringContaining('within the last day') });
    const marker = join(folder, 'cache/not-to-be-had');
    expect(existsSync(marker)).toBe(true);
    const yesterday = Date.now() / 1_000 - 90_000;
    utimesSync(marker, yesterday, yesterday);
    expect(find(true)).toEqual({ missing: expect.not.stringContaining('within the last day') });
    expect(find(false)).toEqual({ missing: expect.not.stringContaining('within the last day') });
  });

  it('finds both programs on the PATH, and no single one', () => {
    program('victoria-metrics', 'exit 0');
    expect(find(true)).toHaveProperty('missing');
    program('vmagent', 'exit 0');
    expect(find(true)).toEqual({ server: join(folder, 'bin/victoria-metrics'), agent: join(folder, 'bin/vmagent') });
  });
});
