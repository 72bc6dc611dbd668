// Real: Postgres with the event log, NATS, the gateway's HTTP server; the services behind it are scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import type { Answer, TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
let role: string;
let token: string;
let made = 0;

const change = (permissions: string[]) =>
  gateway.call('PATCH', `/admin/v1/roles/${role}`, { token: stage.admin, body: { permissions }, headers: { 'if-match': '*' } });
const bind = (scope: string, name = role) =>
  gateway.call('POST', '/admin/v1/role-bindings', { token: stage.admin, body: { principal: `user:${user.id}`, role: name, scope } });
const retry = (bearer = token) => gateway.call('POST', '/admin/v1/jobs/job_1/retry', { token: bearer, body: { reason: 'once more' } });
const jobsOf = (tenant: string) => gateway.call('GET', `/admin/v1/tenants/${tenant}/jobs`, { token, headers: { 'x-tenant-id': tenant } });
const denied = (permission: string) => ({ status: 403, body: { code: 'permission_denied', details: { permission } } });
/** Asks until the answer has a status: reads may go by what was so a second ago. */
const until = (status: number, ask: () => Promise<Answer>) =>
  eventually(async () => ((await ask()).status === status ? true : undefined), { what: `the status ${String(status)}`, timeoutMs: 20_000 });

beforeAll(async () => {
  stage = await startIdentityStage({ ACCESS_TOKEN_TTL_SECONDS: '900' });
  gateway = stage.gateway;
  const job = jobsV1.Job.fromPartial({ jobId: 'job_1', status: 'waiting', createdAt: '2026-11-21T10:00:00.000Z' });
  gateway.peers.answers = { retryJob: () => ({ job }) };
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  [user, role] = [await stage.newUser(), `role-${String(++made)}`];
  const body = { name: role, description: 'for a test', permissions: ['job.read', 'job.retry'] };
  expect((await gateway.call('POST', '/admin/v1/roles', { token: stage.admin, body })).status).toBe(201);
});

describe('with an access token from before', () => {
  it('a change goes by what a role gives now, at once', async () => {
    await bind('/');
    ({ token } = await stage.login(user));
    expect((await retry()).status).toBe(202);
    const asked = gateway.peers.calls.length;
    await change(['job.read']);
    expect(await retry()).toMatchObject(denied('job.retry'));
    expect(gateway.peers.calls).toHaveLength(asked);
    await change(['job.read', 'job.retry']);
    expect((await retry()).status).toBe(202);
  });

  it('a service is told what the caller may do now', async () => {
    await bind('/tenants/acme');
    await bind('/');
    ({ token } = await stage.login(user));
    const [, everywhere] = (await gateway.call('GET', '/admin/v1/auth/whoami', { token })).body['bindings'] as { binding_id: string }[];
    await gateway.call('DELETE', `/admin/v1/role-bindings/${String(everywhere?.binding_id)}`, { token: stage.admin });
    gateway.peers.calls.length = 0;
    await retry();
    // Its caller is what the service's own check goes by: no more than the tenant.
    const seen = gateway.peers.calls.map(({ method, principal: { grants, grantsOn } }) => [
      ...[method, grants.has('job.retry'), [...(grantsOn?.get('job.retry') ?? [])]],
    ]);
    expect(seen).toEqual([['retryJob', false, ['/tenants/acme']]]);
  });

  it('reading goes by it within a moment, what is given as what is taken', async () => {
    await bind('/tenants/acme');
    ({ token } = await stage.login(user));
    expect((await jobsOf('acme')).status).toBe(200);
    await change(['job.retry']);
    await until(403, () => jobsOf('acme'));
    await change(['job.read']);
    await until(200, () => jobsOf('acme'));
    await bind('/tenants/globex', 'viewer');
    await until(200, () => jobsOf('globex'));
    expect((await gateway.call('GET', '/admin/v1/auth/whoami', { token })).body).toMatchObject({
      session_id: expect.stringMatching(/^ses_/),
      permissions: [
        { scope: '/', permissions: ['self'] },
        { scope: '/tenants/acme', permissions: ['job.read', 'self'] },
        { scope: '/tenants/globex' },
      ],
    });
  });

  it('that stands for an API token nothing is given that the token was not made for', async () => {
    const made = await stage.newUser('viewer');
    const { body } = await gateway.call('POST', '/admin/v1/api-tokens', {
      token: (await stage.login(made)).token,
      body: { name: 'ci', roles: ['viewer'] },
    });
    const origin = { userId: made.id, email: made.email, roles: ['viewer'], apiTokenId: String(body['token_id']) } as const;
    const exchanged = await gateway.signer.signUser(origin, 60);
    await stage.change(made, { roles: ['operator'] });
    expect(await retry(exchanged)).toMatchObject(denied('job.retry'));
  });
});
