import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const account = { service_account_id: 'sva_1', name: 'ci', principal: 'user:sva_1', disabled: false, revision: 3 };
const accounts = '/admin/v1/service-accounts';

describe('fairlead explain', () => {
  it('tells what gives a permission, and what would', async () => {
    const by = [{ binding_id: 'bnd_1', role: 'operator', scope: '/tenants/acme' }];
    gateway.on('GET /admin/v1/auth/explain', { body: { allowed: true, disabled: false, by, would: null } });
    const { out } = await run(['explain', 'user:usr_1', 'job.cancel', '/tenants/acme']);
    expect(out).toBe('allowed  yes\nby       operator on /tenants/acme (bnd_1)\n');
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({
      principal: 'user:usr_1',
      permission: 'job.cancel',
      scope: '/tenants/acme',
    });
    const would = { roles: ['operator', 'admin'], scopes: ['/'] };
    gateway.on('GET /admin/v1/auth/explain', { body: { allowed: false, disabled: false, by: [], would } });
    expect((await run(['explain', 'user:usr_1', 'job.cancel'])).out).toBe('allowed  no\nwould    operator or admin on /\n');
    gateway.on('GET /admin/v1/auth/explain', problem(400, 'invalid_argument', 'permission: is not a permission'));
    const refused = await run(['explain', 'user:usr_1', 'no.such']);
    expect([refused.exitCode === exitCodes.ok, refused.err]).toEqual([false, expect.stringContaining('is not a permission')]);
  });
});

describe('fairlead role', () => {
  it('makes, changes and deletes roles, of the revision that was looked at', async () => {
    const role = { name: 'on-call', built_in: false, description: 'at night', permissions: ['job.read', 'job.retry'], revision: 2 };
    gateway.on('POST /admin/v1/roles', { status: 201, body: role });
    gateway.on('PATCH /admin/v1/roles/on-call', { body: role });
    gateway.on('DELETE /admin/v1/roles/on-call', problem(409, 'role_in_use', 'The role on-call is held'));
    const made = await run(['role', 'create', 'on-call', '--description', 'at night', '--permission', 'job.read,job.retry']);
    expect(made.out).toContain('permissions  job.read, job.retry\n');
    expect(gateway.seen[0]?.body).toEqual({ name: 'on-call', description: 'at night', permissions: ['job.read', 'job.retry'] });
    await run(['role', 'change', 'on-call', '--description', 'x', '--revision', '2']);
    expect([gateway.seen[1]?.headers['if-match'], gateway.seen[1]?.body]).toEqual(['"2"', { description: 'x' }]);
    const refused = await run(['role', 'delete', 'on-call']);
    expect([refused.exitCode, gateway.seen[2]?.headers['if-match']]).toEqual([exitCodes.conflict, '*']);
  });
});

describe('fairlead binding', () => {
  it('gives and takes roles, and lists who holds them', async () => {
    const binding = { binding_id: 'bnd_1', principal: 'user:usr_1', role: 'viewer', scope: '/tenants/acme', created_by: 'user:usr_2' };
    gateway.on('POST /admin/v1/role-bindings', { status: 201, body: binding });
    gateway.on('GET /admin/v1/role-bindings', { body: { items: [binding], next_cursor: null } });
    gateway.on('DELETE /admin/v1/role-bindings/bnd_1', { status: 204 });
    expect((await run(['binding', 'create', 'user:usr_1', 'viewer', '/tenants/acme'])).out).toContain('id         bnd_1\n');
    expect(gateway.seen[0]?.body).toEqual({ principal: 'user:usr_1', role: 'viewer', scope: '/tenants/acme' });
    const listed = await run(['binding', 'list', '--scope', '/tenants/acme', '-o', 'json']);
    expect(JSON.parse(listed.out)).toEqual({ items: [binding], next_cursor: null });
    expect(gateway.seen[1]?.query.get('scope')).toBe('/tenants/acme');
    expect((await run(['binding', 'delete', 'bnd_1'])).out).toBe('binding bnd_1 is deleted\n');
  });
});

describe('fairlead service-account', () => {
  it('makes accounts and their tokens, disables and deletes them', async () => {
    gateway.on(`POST ${accounts}`, { status: 201, body: account });
    gateway.on(`POST ${accounts}/sva_1/tokens`, { status: 201, body: { token: 'flt_1_secret', token_id: 'flt_1', roles: ['viewer'] } });
    gateway.on(`POST ${accounts}/sva_1/tokens/flt_1/rotate`, { body: { token: 'flt_1_other', token_id: 'flt_1', roles: ['viewer'] } });
    gateway.on(`PATCH ${accounts}/sva_1`, { body: { ...account, disabled: true } });
    gateway.on(`DELETE ${accounts}/sva_1`, problem(412, 'revision_mismatch', 'The service account has been changed since'));
    expect((await run(['service-account', 'create', 'ci'])).out).toContain('principal  user:sva_1\n');
    expect((await run(['service-account', 'token', 'sva_1', 'ci', '--role', 'viewer', '--days', '30'])).out).toContain('flt_1_secret');
    expect(gateway.seen[1]?.body).toEqual({ name: 'ci', roles: ['viewer'], expires_in_days: 30 });
    expect((await run(['service-account', 'rotate-token', 'sva_1', 'flt_1', '--overlap', '0'])).out).toContain('flt_1_other');
    expect(gateway.seen[2]?.body).toEqual({ overlap_hours: 0 });
    expect((await run(['service-account', 'disable', 'sva_1'])).out).toContain('state      disabled\n');
    expect(gateway.seen[3]?.body).toEqual({ disabled: true });
    const refused = await run(['service-account', 'delete', 'sva_1', '--revision', '2']);
    expect([refused.exitCode, gateway.seen[4]?.headers['if-match']]).toEqual([exitCodes.conflict, '"2"']);
  });
});

describe('fairlead webhook', () => {
  it('makes webhooks, rotates their secrets and makes what is dead again', async () => {
    const hook = { webhook_id: 'whk_1', name: 'pager', url: 'https://hooks.example.org/', types: ['job.*'], secret: 'whsec_x' };
    gateway.on('POST /admin/v1/webhooks', { status: 201, body: hook });
    gateway.on('POST /admin/v1/webhooks/whk_1/rotate', { body: { ...hook, secret: 'whsec_y' } });
    gateway.on('GET /admin/v1/webhooks/whk_1/deliveries', ({ query }) => ({
      body:
        query.get('cursor') === null
          ? { items: [{ delivery_id: 'whd_1' }], next_cursor: 'c' }
          : { items: [{ delivery_id: 'whd_2' }], next_cursor: null },
    }));
    for (const id of ['whd_1', 'whd_2']) gateway.on(`POST /admin/v1/webhooks/whk_1/deliveries/${id}/replay`, { status: 202, body: {} });
    const made = await run(['webhook', 'create', 'pager', 'https://hooks.example.org/', '--type', 'job.*']);
    expect(made.out).toContain('secret   whsec_x\n');
    expect(gateway.seen[0]?.body).toEqual({ name: 'pager', url: 'https://hooks.example.org/', types: ['job.*'] });
    expect((await run(['webhook', 'rotate-secret', 'whk_1'])).out).toContain('whsec_y');
    expect((await run(['webhook', 'replay', 'whk_1'])).out).toBe('2 deliveries are made again\n');
    expect(gateway.seen.slice(2).map(({ route, query }) => [route.split('/').slice(-2).join('/'), query.get('status')])).toEqual([
      ['whk_1/deliveries', 'dead'],
      ['whk_1/deliveries', 'dead'],
      ['whd_1/replay', null],
      ['whd_2/replay', null],
    ]);
    gateway.on('DELETE /admin/v1/webhooks/whk_1', problem(404, 'webhook_not_found', 'There is no webhook whk_1'));
    expect((await run(['webhook', 'delete', 'whk_1'])).exitCode).toBe(exitCodes.notFound);
  });
});
