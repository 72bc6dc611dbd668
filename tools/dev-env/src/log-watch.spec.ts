import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyHolds } from '@fairlead/testing';
import { errorIn, setLargeLogsAside, watchLogs } from './log-watch.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairlead-logs-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const error = (msg: string) => `${JSON.stringify({ level: 'error', msg })}\n`;

describe('errorIn', () => {
  it.each([
    ['{"level":"error","msg":"no answer","err":{"message":"refused"}}', 'no answer: refused'],
    ['{"level":"fatal","msg":"gone"}', 'gone'],
    ['{"level":"info","msg":"said \\"level\\":\\"error\\""}', undefined],
    ['{"level":"warn","msg":"slow"}', undefined],
    ['{"level":"error", broken', undefined],
    ['', undefined],
  ])('%s → %s', (line, expected) => {
    expect(errorIn(line)).toBe(expected);
  });
});

describe('watchLogs', () => {
  it('points out what is added, once, also in files that come later, and counts a flood', async () => {
    writeFileSync(join(dir, 'audit.log'), error('of an earlier run'));
    const said: string[] = [];
    const watch = watchLogs(dir, (line) => said.push(line));
    appendFileSync(join(dir, 'audit.log'), `${error('first')}{"level":"info","msg":"fine"}\n${error('first')}`);
    writeFileSync(join(dir, 'placement.log'), [1, 2, 3, 4, 5].map((n) => error(`number ${String(n)}`)).join(''));
    await eventuallyHolds(
      () => {
        expect(said).toHaveLength(5);
      },
      { what: 'errors to be pointed out' },
    );
    watch.stop();
    expect(said).toEqual([
      'error in audit: first',
      ...[1, 2, 3].map((n) => `error in placement: number ${String(n)}`),
      `error in placement: 2 more, see ${join(dir, 'placement.log')}`,
    ]);
  });
});

describe('setLargeLogsAside', () => {
  it('renames logs that have grown large', () => {
    writeFileSync(join(dir, 'large.log'), 'x'.repeat(20));
    writeFileSync(join(dir, 'small.log'), 'x');
    setLargeLogsAside(dir, 10);
    expect(readdirSync(dir).sort()).toEqual(['large.log.1', 'small.log']);
  });
});
