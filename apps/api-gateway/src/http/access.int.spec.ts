// Real: Postgres, NATS, the gateway's HTTP server with every route it has, gRPC with its tokens and permissions.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { permissions, roles, type Permission, type Role } from '@fairlead/contracts';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { openRoutes, ownSiteRoutes } from '../edge/open-routes.js';
import { migrations } from '../index.js';
import { apiDocument } from '../openapi/index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';

@Controller('admin/v1/forgotten')
class Forgotten {
  @Get()
  get() {
    return {};
  }
}

@Module({ controllers: [Forgotten] })
class ForgottenModule {}

/** A route of the API's document. */
interface Operation {
  /** `GET /admin/v1/jobs/{id}` */
  readonly name: string;
  readonly permission: string | undefined;
  readonly heedsScope: boolean;
  /** The permission is enough on any part of the platform; the route looks at where. */
  readonly anywhere: boolean;
  readonly ofTenant: boolean;
}

const operations: readonly Operation[] = Object.entries(apiDocument().paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    permission: operation['x-permission'] as string | undefined,
    heedsScope: operation['x-heeds-scope'] === true,
    anywhere: operation['x-anywhere'] === true,
    ofTenant: ((operation['parameters'] ?? []) as { name: string }[]).some(({ name }) => name === 'X-Tenant-Id'),
  })),
);
const guarded = operations.flatMap(({ permission, ...operation }) => (permission === undefined ? [] : [{ ...operation, permission }]));

let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;
/** As Fastify serves them, written as the document writes them. */
const served = new Set<string>();

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  gateway = await startGateway(
    { database, nats },
    {},
    { onRoute: (method, path) => served.add(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`) },
  );
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

/** Asks a route about the tenant or thing `x`. */
const ask = ({ name, ofTenant }: Operation | (typeof guarded)[number], token?: string, tenant = 'x') => {
  const [method = '', path = ''] = name.split(' ');
  return gateway.call(method, path.replaceAll(/\{\w+\}/g, 'x'), { token, headers: ofTenant ? { 'x-tenant-id': tenant } : {} });
};

describe('the API’s document', () => {
  it('has every route that Fastify serves, and no other', () => {
    const documented = operations.map(({ name }) => name);
    expect([...served].filter((route) => !documented.includes(route) && !route.endsWith('/*'))).toEqual([]);
    expect(documented.filter((route) => !served.has(route))).toEqual([]);
  });

  it('asks for a permission everywhere but on a short list', () => {
    const open = operations.filter(({ permission }) => permission === undefined).map(({ name }) => name);
    expect(open.sort()).toEqual([...openRoutes, ...ownSiteRoutes].filter((route) => !route.endsWith('/*')).sort());
  });
});

/** Some operations with these look at their caller's user, whom nobody knows here. */
const asksForTheUser = ['self', 'identity.manage', 'project.manage'];

describe('every route of the matrix', () => {
  it('asks who calls', async () => {
    for (const operation of guarded)
      expect([operation.name, (await ask(operation)).body]).toMatchObject([operation.name, { status: 401, code: 'unauthenticated' }]);
    expect(gateway.peers.calls).toEqual([]);
  });

  it.each([undefined, ...(Object.keys(roles) as Role[])])(
    'lets the role %s do what its permissions say, and nothing else',
    async (role) => {
      const token = await gateway.token(...(role === undefined ? [] : [role]));
      const grants: readonly string[] = role === undefined ? [] : roles[role];
      for (const operation of guarded) {
        const { status, body } = await ask(operation, token);
        const refused = status === 403 && body['code'] === 'permission_denied';
        expect([operation.name, refused, status === 401 && !asksForTheUser.includes(operation.permission)]).toEqual([
          operation.name,
          !grants.includes(operation.permission),
          false,
        ]);
        if (refused) expect(body).toMatchObject({ details: { permission: operation.permission } });
      }
      if (role === undefined) expect(gateway.peers.calls).toEqual([]);
    },
  );

  it('refuses a caller who is kept to a scope, whatever their role, but where scopes are heeded', async () => {
    const whoever = { userId: 'usr_1', email: 'a@example.com', roles: ['admin'] } as const;
    const scoped = await gateway.signer.signUser({ ...whoever, scope: {} }, 60);
    const before = gateway.peers.calls.length;
    for (const operation of guarded.filter(({ heedsScope }) => !heedsScope))
      expect([operation.name, (await ask(operation, scoped)).body]).toMatchObject([
        operation.name,
        { status: 403, detail: 'A token that is kept to some tenants or nodes may not do this: it reads what is theirs alone' },
      ]);
    expect(gateway.peers.calls).toHaveLength(before);
    const heeding = guarded.filter(({ heedsScope }) => heedsScope);
    expect(heeding.map(({ name }) => name)).toEqual(['GET /admin/v1/tenants/{id}', 'GET /platform/v1/changes']);
    // The change stream leaves out what is not the reader's business.
    for (const operation of heeding)
      expect([operation.name, (await ask(operation, scoped)).status]).toEqual([operation.name, operation.ofTenant ? 403 : 200]);
  });

  it('about a tenant refuses a caller who is kept to another', async () => {
    const keptTo = (tenant: string) =>
      gateway.signer.signUser({ userId: 'usr_1', email: 'a@example.com', roles: ['admin'], scope: { tenants: [tenant] } }, 60);
    const [own, other] = await Promise.all([keptTo('x'), keptTo('y')]);
    gateway.peers.answers = {
      getTenant: () => ({ tenant: { tenantId: 'x', name: 'x', createdAt: '2026-01-01T00:00:00Z', assignments: [] } }),
    };
    const [detail] = guarded.filter(({ heedsScope, ofTenant }) => heedsScope && ofTenant);
    if (detail === undefined) throw new Error('there is such a route');
    expect((await ask(detail, own)).status).toBe(200);
    expect(await ask(detail, other)).toMatchObject({ status: 403, body: { code: 'permission_denied', details: { tenant_id: 'x' } } });
    gateway.peers.answers = {};
  });

  it('lets a caller whose grants are on one tenant do what is about it, and refuses them everywhere else', async () => {
    const grantedOn = (tenant: string) =>
      gateway.signer.signUser(
        { userId: 'usr_1', email: 'a@example.com', roles: [], grants: new Map([[`/tenants/${tenant}`, new Set<Permission>(permissions)]]) },
        60,
      );
    const [own, other] = await Promise.all([grantedOn('x'), grantedOn('y')]);
    gateway.peers.answers = {
      getTenant: () => ({ tenant: { tenantId: 'x', name: 'x', createdAt: '2026-01-01T00:00:00Z', assignments: [] } }),
    };
    const before = gateway.peers.calls.length;
    const elsewhere = guarded.filter(({ anywhere, permission }) => !anywhere && permission !== 'self');
    for (const operation of elsewhere)
      expect([operation.name, (await ask(operation, other)).body]).toMatchObject([
        operation.name,
        {
          status: 403,
          code: 'permission_denied',
          details: { permission: operation.permission, ...(operation.ofTenant ? { scope: '/tenants/x' } : {}) },
        },
      ]);
    expect(gateway.peers.calls).toHaveLength(before);
    for (const operation of elsewhere) {
      const { status } = await ask(operation, own);
      expect([operation.name, status]).toEqual([operation.name, operation.ofTenant ? 200 : 403]);
    }
    gateway.peers.answers = {};
    // Each of these looks itself at where its caller may do what it does, and has tests of that.
    expect(
      guarded
        .filter(({ anywhere }) => anywhere)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'DELETE /admin/v1/role-bindings/{id}',
      'DELETE /admin/v1/schedules/{id}',
      'DELETE /platform/v1/orgs/{org}',
      'DELETE /platform/v1/orgs/{org}/projects/{project}',
      'DELETE /platform/v1/orgs/{org}/projects/{project}/keys/{key}',
      'GET /admin/v1/audit',
      'GET /admin/v1/jobs',
      'GET /admin/v1/jobs/{id}',
      'GET /admin/v1/jobs/{id}/events',
      'GET /admin/v1/plans/{id}',
      'GET /admin/v1/role-bindings',
      'GET /admin/v1/roles',
      'GET /admin/v1/roles/{name}',
      'GET /admin/v1/schedules',
      'GET /admin/v1/tenants',
      'GET /platform/v1/changes',
      'GET /platform/v1/orgs',
      'GET /platform/v1/orgs/{org}',
      'GET /platform/v1/orgs/{org}/projects',
      'GET /platform/v1/orgs/{org}/projects/{project}',
      'GET /platform/v1/orgs/{org}/projects/{project}/keys',
      'PATCH /platform/v1/orgs/{org}',
      'PATCH /platform/v1/orgs/{org}/projects/{project}',
      'POST /admin/v1/jobs/tenant-drain',
      'POST /admin/v1/jobs/tenant-migrate',
      'POST /admin/v1/jobs/tenant-resume',
      'POST /admin/v1/jobs/{id}/cancel',
      'POST /admin/v1/jobs/{id}/pause',
      'POST /admin/v1/jobs/{id}/retry',
      'POST /admin/v1/jobs/{id}/signals/{name}',
      'POST /admin/v1/jobs/{id}/unpause',
      'POST /admin/v1/plan/tenant-drain',
      'POST /admin/v1/plan/tenant-migrate',
      'POST /admin/v1/plan/tenant-resume',
      'POST /admin/v1/plans/{id}/approve',
      'POST /admin/v1/role-bindings',
      'POST /admin/v1/schedules',
      'POST /admin/v1/schedules/{id}/pause',
      'POST /admin/v1/schedules/{id}/resume',
      'POST /platform/v1/orgs/{org}/projects',
      'POST /platform/v1/orgs/{org}/projects/{project}/keys',
      'POST /platform/v1/orgs/{org}/projects/{project}/keys/{key}/rotate',
    ]);
  });

  it('about a tenant asks for its header, and others ignore it', async () => {
    const admin = await gateway.token('admin');
    const about = guarded.filter(({ ofTenant }) => ofTenant).map(({ name }) => name);
    expect(about).toEqual(['GET /admin/v1/tenants/{id}', 'GET /admin/v1/tenants/{id}/audit', 'GET /admin/v1/tenants/{id}/jobs']);
    for (const name of about) {
      const path = name.replace('GET ', '').replace('{id}', 'x');
      for (const [value, detail] of [
        [undefined, 'must name the tenant: 1 to 63 lower-case letters, digits or hyphens'],
        ['', 'must name the tenant: 1 to 63 lower-case letters, digits or hyphens'],
        ['No Tenant', 'must name the tenant: 1 to 63 lower-case letters, digits or hyphens'],
        ['y', 'names another tenant than the path'],
      ]) {
        const headers: Record<string, string> = value === undefined ? {} : { 'x-tenant-id': value };
        expect(await gateway.call('GET', path, { token: admin, headers })).toMatchObject({
          status: 400,
          body: { code: 'invalid_argument', errors: [{ pointer: '/x-tenant-id', detail }] },
        });
      }
    }
    for (const value of ['x', 'No Tenant'])
      expect((await gateway.call('GET', '/admin/v1/tenants', { token: admin, headers: { 'x-tenant-id': value } })).status).toBe(200);
  });
});

describe('the short list', () => {
  it('answers anybody', async () => {
    for (const route of openRoutes.filter((one) => !one.endsWith('/*'))) {
      const [method, path = ''] = route.split(' ');
      const { status } = await fetch(`${gateway.service.httpUrl}${path}`, { method });
      expect([route, status]).toEqual([route, 200]);
    }
  });

  it('refuses the pages of other sites where a cookie is taken or set', async () => {
    for (const route of ownSiteRoutes) {
      const [method, path = ''] = route.split(' ');
      const send = async (headers: Record<string, string>) =>
        (await fetch(`${gateway.service.httpUrl}${path.replace('{issuer}', 'corp')}`, { method, headers })).status;
      expect([route, await send({ origin: 'https://evil.example' }), await send({ 'sec-fetch-site': 'cross-site' })]).toEqual([
        route,
        403,
        403,
      ]);
      // Without body or cookie nobody logs in, and without issuers nobody elsewhere.
      const answered = route.endsWith('login') ? 400 : route.includes('/oidc/') ? 404 : 204;
      expect([route, await send({})]).toEqual([route, answered]);
    }
  });
});

describe('a gateway with a route that declares no permission', () => {
  it('does not start, and says which', async () => {
    const attempt = startGateway({ database, nats }, {}, { imports: [{ module: ForgottenModule }] });
    await expect(attempt).rejects.toMatchObject({ cause: { message: 'routes without a declared permission: GET /admin/v1/forgotten' } });
  });
});
