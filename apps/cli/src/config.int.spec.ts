import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { plan, problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage();
});

afterEach(() => stage.stop());

const revision = {
  ...{ domain: 'routing', name: 'default', scope: 'platform', revision: 7, sha256: 'f00dfeedf00dfeed', source: 'api', state: 'effective' },
  ...{ updated_at: '2026-11-01T09:00:00.000Z', updated_by: 'user:usr_1', reason: 'a longer timeout' },
};
const content = { routes: [{ id: 'all', path_prefix: '/' }] };
const changes = [
  { op: 'changed', pointer: '/routes/0/timeout_ms', before: 1000, after: 2000 },
  { op: 'added', pointer: '/default_shards/runner', after: 'runner-1' },
];

const file = (name: string, text: string) => {
  const path = join(stage.dir, name);
  writeFileSync(path, text);
  return path;
};

describe('fairlead config', () => {
  it('lists documents and the revisions of one', async () => {
    stage.gateway.on('GET /admin/v1/config', { body: { items: [revision], next_cursor: null } });
    expect((await stage.run(['config', 'list', '--domain', 'routing'])).out).toMatch(/routing +platform +default +7 +f00dfeedf00d +api/);
    stage.gateway.on('GET /admin/v1/config/feature-flags/history', { body: { items: [revision], next_cursor: 'more' } });
    const { out, err } = await stage.run(['config', 'history', 'feature-flags', '--scope', 'tenants/acme', '--limit', '1']);
    expect([out, err]).toEqual([
      expect.stringMatching(/7 +effective +f00dfeedf00d +api.*a longer timeout/),
      expect.stringContaining('more'),
    ]);
    expect(stage.gateway.seen.map(({ query }) => Object.fromEntries(query))).toEqual([
      { domain: 'routing', limit: '100' },
      { scope: 'tenants/acme', limit: '1' },
    ]);
  });

  it('prints a content so that it can be applied again', async () => {
    stage.gateway.on('GET /admin/v1/config/routing', { body: { ...revision, content, candidate_revision: null } });
    expect(JSON.parse((await stage.run(['config', 'get', 'routing'])).out)).toEqual(content);
    stage.gateway.on('GET /admin/v1/config/routing/revisions/0', { body: { ...revision, content } });
    expect(JSON.parse((await stage.run(['config', 'revision', 'routing', '0'])).out)).toEqual(content);
    expect(JSON.parse((await stage.run(['config', 'get', 'routing', '-o', 'json'])).out)).toMatchObject({ revision: 7, content });
  });

  it('tells what two revisions differ in', async () => {
    stage.gateway.on('GET /admin/v1/config/routing/diff', { body: { from: 2, to: 7, changes } });
    const { out } = await stage.run(['config', 'diff', 'routing', '2', '7']);
    expect(out).toMatch(/changed +\/routes\/0\/timeout_ms +1000 +2000\n.*added +\/default_shards\/runner +- +"runner-1"/);
    expect(Object.fromEntries(stage.gateway.seen[0]?.query ?? [])).toEqual({ from: '2', to: '7' });
  });

  it('tells all that is wrong with a file, and fails', async () => {
    const errors = [{ pointer: '/routes', detail: 'must hold at least one route' }];
    stage.gateway.on('POST /admin/v1/jobs/config/validate', { body: { valid: false, code: 'config_invalid', errors, sha256: null } });
    const path = file('routes.yml', 'routes: []');
    const { exitCode, out, err } = await stage.run(['config', 'validate', 'routing', path]);
    expect([exitCode, out, err]).toEqual([
      ...[
        exitCodes.failed,
        expect.stringMatching(/\/routes +must hold at least one route/),
        `error: ${path} would be refused (config_invalid)\n`,
      ],
    ]);
    expect(stage.gateway.seen[0]?.body).toEqual({ domain: 'routing', format: 'yaml', text: 'routes: []' });
    stage.gateway.on('POST /admin/v1/jobs/config/validate', { body: { valid: true, code: null, errors: [], sha256: 'f00' } });
    expect(await stage.run(['config', 'validate', 'routing', path])).toMatchObject({
      exitCode: exitCodes.ok,
      out: 'the document is right\n',
    });
  });

  it('puts a file in force once its plan was shown and confirmed', async () => {
    const shown = {
      ...plan(),
      kind: 'config-apply',
      changes,
      impact: { tenants: [], services: [], expected_pause_ms: 0, every_tenant: true },
    };
    stage.gateway.on('POST /admin/v1/plan/config/apply', { status: 201, body: shown });
    stage.gateway.on('POST /admin/v1/jobs/config/apply', { status: 202, body: { job_id: 'job_1' } });
    const path = file('routes.json', JSON.stringify(content));
    const apply = ['config', 'apply', 'routing', path, '--expect-revision', '7', '--reason', 'a longer timeout'];
    const no = await stage.run(apply, { answers: ['n'] });
    expect([no.exitCode, stage.gateway.of('POST /admin/v1/jobs/config/apply')]).toEqual([exitCodes.failed, []]);
    expect(no.out).toMatch(/changed +\/routes\/0\/timeout_ms +1000 +2000/);
    expect(no.out).toMatch(/tenants +all of them/);
    expect((await stage.run([...apply, '--yes'])).out).toContain('job job_1 is started');
    expect(stage.gateway.seen[0]?.body).toEqual({
      ...{ domain: 'routing', format: 'json', text: JSON.stringify(content), expected_revision: 7, reason: 'a longer timeout' },
    });
    expect(stage.gateway.of('POST /admin/v1/jobs/config/apply')[0]?.body).toEqual({ plan_digest: 'digest-1', reason: 'a longer timeout' });
  });

  it('goes back to a revision, and says when somebody was faster', async () => {
    stage.gateway.on('POST /admin/v1/plan/config/rollback', { status: 201, body: { ...plan(), kind: 'config-rollback' } });
    stage.gateway.on('POST /admin/v1/jobs/config/rollback', problem(412, 'plan_stale', 'Plan again.'));
    const { exitCode, err } = await stage.run(['config', 'rollback', 'routing', '4', '--reason', 'it was better', '--yes']);
    expect([exitCode, err]).toEqual([exitCodes.conflict, expect.stringContaining('Plan again.')]);
    expect(stage.gateway.seen[0]?.body).toEqual({ domain: 'routing', revision: 4, reason: 'it was better' });
  });

  it('asks nobody when the file is not there, or the number none', async () => {
    const missing = await stage.run(['config', 'apply', 'routing', join(stage.dir, 'none.json'), '--reason', 'x', '--yes']);
    expect([missing.exitCode, missing.err]).toEqual([exitCodes.usage, expect.stringContaining("none.json can't be read")]);
    expect((await stage.run(['config', 'rollback', 'routing', 'last', '--reason', 'x'])).exitCode).toBe(exitCodes.usage);
    expect(stage.gateway.seen).toEqual([]);
  });
});
