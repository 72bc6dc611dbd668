import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createLogger, noTracing } from '@fairlead/telemetry';
import { PlacementBoard } from '../placement.js';
import { createGatewayMember } from './gateway-member.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gateway-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

it('follows placement only while it runs, also when it could not start', async () => {
  let following = 0;
  const { member } = createGatewayMember({
    members: 1,
    shardId: 'gateway-1',
    host: '127.0.0.1',
    dir,
    follow: () => {
      following += 1;
      return {
        feed: new PlacementBoard(),
        stop: () => {
          following -= 1;
          return Promise.resolve();
        },
      };
    },
    checkToken: () => undefined,
    build: { version: '0', gitSha: '0' },
    logger: createLogger({ service: 'test', level: 'silent' }),
    tracing: noTracing,
  });
  const file = join(dir, 'placement.json');
  writeFileSync(file, 'damaged');
  await expect(member.start(0)).rejects.toThrow(/JSON/);
  expect(following).toBe(0);
  rmSync(file);
  await member.start(0);
  expect(following).toBe(1);
  await member.stop();
  expect(following).toBe(0);
});
