// Real: Postgres, NATS, the gateway's HTTP server with every route it has, gRPC with its tokens and permissions.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';

/** All that answers without a token, and what it answers to nothing: without body or cookie nobody logs in. */
const publicRoutes: Readonly<Record<string, number>> = {
  'GET /.well-known/jwks.json': 200,
  'GET /health': 200,
  'GET /metrics': 200,
  'GET /ready': 200,
  'POST /admin/v1/auth/login': 400,
  'POST /admin/v1/auth/logout': 204,
  'POST /admin/v1/auth/refresh': 204,
};

/** All that answers a caller who is kept to a scope. */
const scopedRoutes: readonly string[] = ['GET /platform/v1/changes'];

@Controller('admin/v1/forgotten')
class Forgotten {
  @Get()
  get() {
    return {};
  }
}

@Module({ controllers: [Forgotten] })
class ForgottenModule {}

let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  gateway = await startGateway({ database, nats });
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

/** The routes as Nest told its log that it mapped them. */
function mappedRoutes(): string[] {
  return gateway.lines.flatMap((line) => {
    const [, path, method] = /Mapped \{([^,]+), ([A-Z]+)\} route/.exec(line) ?? [];
    return path === undefined || method === undefined ? [] : [`${method} ${path}`];
  });
}

const ask = (route: string, token?: string) => {
  const [method = '', path = ''] = route.split(' ');
  return gateway.call(method, path.replaceAll(/:\w+/g, 'x'), { token });
};

describe('every route', () => {
  it('asks who calls, and refuses a principal without roles, but for a short list', async () => {
    const closed = mappedRoutes().filter((route) => !Object.hasOwn(publicRoutes, route));
    expect(closed.length).toBeGreaterThanOrEqual(31);
    const nobody = await gateway.token();
    for (const route of closed) {
      expect([route, (await ask(route)).body]).toMatchObject([route, { status: 401, code: 'unauthenticated' }]);
      expect([route, (await ask(route, nobody)).body]).toMatchObject([route, { status: 403, code: 'permission_denied' }]);
    }
    expect(gateway.peers.calls).toEqual([]);
  });

  it('refuses a caller who is kept to a scope, whatever their role, but for those that heed scopes', async () => {
    const kept = mappedRoutes().filter((route) => !Object.hasOwn(publicRoutes, route) && !scopedRoutes.includes(route));
    const scoped = await gateway.signer.signUser({ userId: 'usr_1', email: 'a@example.com', roles: ['admin'], scope: {} }, 60);
    for (const route of kept)
      expect([route, (await ask(route, scoped)).body]).toMatchObject([
        route,
        { status: 403, detail: 'A token that is kept to some tenants or nodes may not do this: it reads changes alone' },
      ]);
    for (const route of scopedRoutes) {
      expect(mappedRoutes()).toContain(route);
      expect([route, (await ask(route, scoped)).status]).toEqual([route, 200]);
    }
    expect(gateway.peers.calls).toEqual([]);
  });

  it('on the short list is there, and answers anybody', async () => {
    expect(mappedRoutes()).toEqual(expect.arrayContaining(Object.keys(publicRoutes)));
    for (const [route, expected] of Object.entries(publicRoutes)) {
      const [method, path = ''] = route.split(' ');
      const { status } = await fetch(`${gateway.service.httpUrl}${path}`, { method });
      expect([route, status]).toEqual([route, expected]);
    }
  });
});

describe('a gateway with a route that declares no permission', () => {
  it('does not start, and says which', async () => {
    const attempt = startGateway({ database, nats }, {}, { imports: [{ module: ForgottenModule }] });
    await expect(attempt).rejects.toMatchObject({ cause: { message: 'routes without a declared permission: GET /admin/v1/forgotten' } });
  });
});
