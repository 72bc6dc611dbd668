import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

/** Here the stage's server is the managed service; the rules themselves are held against the simulated fleet, in apps/fleet-sim. */
let stage: Stage;
const token = 'the-fleet-token';

beforeEach(async () => {
  stage = await startStage();
  stage.gateway.on('GET /health', { body: { status: 'ok' } });
  stage.gateway.on('GET /ready', { body: { status: 'ok' } });
  stage.gateway.on('GET /admin/state', { body: { epoch: 1, revision: 7 } });
});
afterEach(() => stage.stop());

const check = (args: string[], env: Record<string, string> = { FLEET_TOKEN: token }) =>
  stage.run(['conformance', stage.url, '--kind', 'gateway', ...args], { env });

describe('fairlead conformance', () => {
  it('says what it will do, and then of each rule whether it is kept', async () => {
    const { exitCode, out, err } = await check(['--rules', 'S2,G1,G2']);
    expect(err).toContain('and changes nothing.\n');
    expect(out).toContain('G2  it takes placements that only a publisher may write');
    expect(out).toContain('2 of 3 rules kept, 0 broken, 1 not checked: the service conforms');
    expect(exitCode).toBe(exitCodes.ok);
  });

  it('fails with the mandatory rule that is broken, what was expected and what came', async () => {
    stage.gateway.on('GET /admin/state', { body: { epoch: 1 } });
    const { exitCode, out, err } = await check(['--rules', 'G1', '--json']);
    expect(exitCode).toBe(exitCodes.failed);
    expect(err).toContain('the service breaks G1');
    expect(JSON.parse(out)).toEqual({
      conforms: false,
      left_behind: null,
      verdicts: [
        {
          rule: 'G1',
          mandatory: true,
          title: 'GET /admin/state tells the placement it routes by',
          verdict: 'fail',
          expected: 'epoch and revision, both counts, for GET /admin/state',
          got: '200 {"epoch":1}',
        },
      ],
    });
  });

  it('does not fail for a recommended rule, and shows no token that a service tells', async () => {
    stage.gateway.on('GET /admin/resolve', ({ headers }) => ({ status: 418, body: { told: token, auth: headers.authorization } }));
    const { exitCode, out, err } = await check(['--rules', 'G8']);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toContain('G8\n  expected  404');
    expect(out).toContain('[the fleet token]');
    expect(out + err).not.toContain(token);
  });

  it('asks a person first, and does nothing without a yes', async () => {
    const { exitCode } = await stage.run(['conformance', stage.url, '--kind', 'gateway'], { env: { FLEET_TOKEN: token }, answers: ['n'] });
    expect(exitCode).toBe(exitCodes.failed);
    expect(stage.gateway.seen).toEqual([]);
  });

  it('fails when the test tenant is not there, and keeps no copy of it', async () => {
    const status = { tenant_id: 'fairlead-conformance', state: 'absent', inflight: 0, lag: 0, fence: 3, last_seq: 0 };
    stage.gateway.on('GET /admin/tenants/fairlead-conformance', { body: status });
    const copyFile = join(stage.dir, 'copy.json');
    const { exitCode, err, out } = await stage.run(
      ['conformance', stage.url, '--kind', 'runner', '--rules', 'H1', '--copy-file', copyFile],
      { env: { FLEET_TOKEN: token } },
    );
    expect(exitCode).toBe(exitCodes.failed);
    expect(err).toContain('could not be checked: H1');
    expect(out).toContain('the shard does not have the tenant fairlead-conformance, and there is no copy of it to bring there');
    expect(existsSync(copyFile)).toBe(false);
  });

  it('takes the token from a file, and refuses what makes no sense', async () => {
    const file = join(stage.dir, 'token');
    writeFileSync(file, `${token}\n`);
    stage.gateway.on('POST /admin/reload', ({ headers }) =>
      headers.authorization === `Bearer ${token}` ? { body: { epoch: 1, revision: 7 } } : problem(401, 'unauthenticated', 'no'),
    );
    expect((await check(['--rules', 'S6', '--token-file', file], {})).exitCode).toBe(exitCodes.ok);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    for (const args of [
      ['--token-file', join(stage.dir, 'none')],
      ['--rules', 'Z9'],
      ['--peer', 'ftp://somewhere'],
      ['--copy-file', file],
    ])
      expect([args, (await check(args)).exitCode]).toEqual([args, exitCodes.usage]);
    expect((await check([], {})).exitCode).toBe(exitCodes.usage);
  });
});
