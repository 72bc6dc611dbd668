/** Gateways of other releases: they leave fields out, have more of them, and use words that are not known here. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { startStage, type Stage } from './gateway.fixture.js';

let gateway: Stage['gateway'];
let run: Stage['run'];
let stop: Stage['stop'];

beforeEach(async () => {
  ({ gateway, run, stop } = await startStage());
});

afterEach(() => stop());

const more = { of_a_later_release: { a: [1, null] } };
const list = { items: [more], next_cursor: null };
const plan = { plan_id: 'plan_1', kind: 'reload', digest: 'd', actions: [more], checks: [{ ...more, verdict: 'doubt' }], impact: more };
const maps = { aggregate_placement: {}, projection_placement: {}, runner_placement: {} };
const stats = { rates: [more], types: [more], partitions: [more], stream: more, projections: [more], tables: [more], incarnations: [more] };

/** Commands that show what one request answers, and the least of an answer. */
const shown: readonly [line: string, route: string, needed: object, also?: object][] = [
  ['whoami', 'auth/me', { principal: 'user:usr_1' }],
  ['tenant list', 'tenants', list],
  ['tenant show acme', 'tenants/acme', { tenant_id: 'acme' }, { placement: { runner: more } }],
  ['job list', 'jobs', list],
  ['job show job_1', 'jobs/job_1', { job_id: 'job_1', status: 'hibernating', steps: [more] }, { error: more }],
  ['plan show plan_1', 'plans/plan_1', plan, { approval: more }],
  ['lock list', 'locks', list],
  ['replica list', 'replicas', { items: [more] }],
  ['schedule list', 'schedules', { items: [{ ...more, last_error: more }] }],
  ['placement show', 'placement', { epoch: 1, revision: 2, ...maps, shards: { cache: { 'cache-1': { endpoints: [more] }, b: more } } }],
  ['fleet snapshot', 'fleet/snapshot', { endpoints: [more] }],
  ['audit list', 'audit', list],
  ['dead-letter list', 'dead-letters', list],
  ['dead-letter show 1', 'dead-letters/1', { sequence: 1 }, { original: more }],
  ['token list', 'api-tokens', { items: [{ ...more, scope: more }], next_cursor: null }],
  ['log show', 'log/events', list],
  ['log show 1', 'log/events/1', { position: 1 }],
  ['log stats', 'log/stats', { head: 1 }, stats],
  ['aggregate list', 'log/aggregates', list],
  ['projection list', 'projections', { items: [more] }],
  ['projection show a', 'projections/a', { name: 'a', position: 1, epochs: [{ stopped: more, rebuild: more }, more] }],
  ['stuck', 'stuck', { items: [], not_checked: [] }],
];

describe('an answer with fields missing and others added', () => {
  it.each(shown)('%s', async (line, route, needed, also = {}) => {
    for (const answer of [needed, { ...needed, ...also, ...more }]) {
      gateway.on(`GET /admin/v1/${route}`, { body: answer });
      const { exitCode, out, err } = await run(line.split(' '));
      expect([exitCode, err]).toEqual([exitCodes.ok, '']);
      expect(out).not.toBe('');
      expect(out).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  it.each(shown)('%s -o json shows all that came', async (line, route, needed, also = {}) => {
    const isPaged = 'next_cursor' in needed;
    const answer = isPaged ? needed : { ...needed, ...also, ...more };
    gateway.on(`GET /admin/v1/${route}`, { body: answer });
    const { exitCode, out } = await run([...line.split(' '), '-o', 'json']);
    expect([exitCode, JSON.parse(out)]).toEqual([exitCodes.ok, answer]);
  });

  it.each(shown)('%s tells what it can not do without', async (line, route, needed) => {
    const isNeeded = (name: string) => name !== 'next_cursor';
    for (const name of Object.keys(needed).filter(isNeeded)) {
      for (const answer of [
        { ...needed, [name]: undefined },
        { ...needed, [name]: null },
      ]) {
        gateway.on(`GET /admin/v1/${route}`, { body: answer });
        const { exitCode, out, err } = await run(line.split(' '));
        expect([exitCode, out]).toEqual([exitCodes.failed, '']);
        expect(err).toMatch(
          new RegExp(`^error: http\\S+ does not answer like a Fairlead gateway: /admin/v1/${route} has no usable ${name}\n$`),
        );
      }
    }
  });
});

describe('what hangs on an answer', () => {
  const apply = ['plan', 'apply', 'plan_1', '--reason', 'why', '--yes'];

  it('starts nothing by a plan whose check does not say what it found', async () => {
    gateway.on('GET /admin/v1/plans/plan_1', { body: { ...plan, checks: [{ name: 'target-ready' }] } });
    expect(await run(apply)).toMatchObject({ exitCode: exitCodes.conflict, err: expect.stringContaining('target-ready') });
    expect(gateway.seen).toHaveLength(1);
  });

  it('starts no job of a kind that it does not know', async () => {
    gateway.on('GET /admin/v1/plans/plan_1', { body: { ...plan, kind: '../users' } });
    expect(await run(apply)).toMatchObject({ exitCode: exitCodes.failed, err: expect.stringContaining('nothing was started') });
    expect(gateway.seen).toHaveLength(1);
  });

  it('takes no log for checked that the gateway does not say the end of', async () => {
    gateway.on('POST /admin/v1/log/verify', { body: { from: 1, to: 2, head: 9, findings: [], stream_compared: 2 } });
    expect(await run(['log', 'verify'])).toMatchObject({ exitCode: exitCodes.failed, err: expect.stringContaining('does not get on') });
  });

  it('writes no placement that is told in part', async () => {
    for (const shard of [{}, { endpoints: [{ endpoint_id: 'a' }] }]) {
      gateway.on('GET /admin/v1/placement', { body: { epoch: 1, revision: 2, ...maps, shards: { runner: { 'runner-1': shard } } } });
      const { exitCode, err } = await run(['placement', 'export', '/proc/nowhere']);
      expect([exitCode, err]).toEqual([exitCodes.failed, 'error: the gateway did not tell all of the placement; nothing was done\n']);
    }
  });
});

it.each([
  'tenant show',
  'job show',
  'job watch',
  'plan show',
  'schedule pause --reason why',
  'schedule delete --reason why',
  'job pause --reason why',
])('%s takes no name that would be about something else', async (command) => {
  for (const name of ['', '.', '..']) {
    const { exitCode, out, err } = await run([...command.split(' '), name]);
    expect([exitCode, out, gateway.seen]).toEqual([exitCodes.usage, '', []]);
    expect(err).toBe('error: no name can be empty, . or ..\n');
  }
});
