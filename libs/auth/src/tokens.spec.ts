import { describe, expect, it } from '@jest/globals';
import { SignJWT, importJWK } from 'jose';
import {
  accountOf,
  commonRoles,
  createTokenSigner,
  createTokenVerifier,
  generateSigningKey,
  isProgram,
  may,
  parseJwks,
  requirePermission,
  viaOf,
} from './index.js';

async function setUp() {
  const gateway = await generateSigningKey('api-gateway');
  const orchestrator = await generateSigningKey('job-orchestrator');
  const verifier = createTokenVerifier({ jwks: { keys: [gateway.publicJwk, orchestrator.publicJwk] } });
  return { gateway, orchestrator, verifier };
}

const ann = { userId: 'usr_1', email: 'ann@example.com', roles: ['operator'] as const };

describe('tokens', () => {
  it('carry a user with the grants of their roles', async () => {
    const { gateway, verifier } = await setUp();
    const principal = await verifier.verify(await (await createTokenSigner(gateway)).signUser(ann, 60));
    expect(principal).toMatchObject({ id: 'user:usr_1', name: 'ann@example.com', kind: 'user' });
    expect(() => {
      requirePermission(principal, 'tenant.migrate');
    }).not.toThrow();
    expect(() => {
      requirePermission(principal, 'identity.manage');
    }).toThrow(expect.objectContaining({ code: 'permission_denied' }));
  });

  it('carry what they were given to: a session, or an API token through which its user acts', async () => {
    const { gateway, verifier } = await setUp();
    const signer = await createTokenSigner(gateway);
    const bySession = await verifier.verify(await signer.signUser({ ...ann, sessionId: 'ses_1' }, 60));
    expect([bySession.sessionId, bySession.apiTokenId, viaOf(bySession)]).toEqual(['ses_1', undefined, undefined]);
    const byToken = await verifier.verify(await signer.signUser({ ...ann, apiTokenId: 'flt_1' }, 60));
    expect([byToken.sessionId, byToken.apiTokenId, viaOf(byToken)]).toEqual([undefined, 'flt_1', 'api-token:flt_1']);
    expect(viaOf(await verifier.verify(await signer.serviceToken('user:usr_1')))).toBe('api-gateway');
  });

  it('carry a project, as what it is alone', async () => {
    const { gateway, verifier } = await setUp();
    const web = { userId: 'prj_1', email: 'acme/web (project)', roles: [], apiTokenId: 'flt_1' };
    const grants = new Map([['/orgs/acme/projects/web', new Set(['project.read'] as const)]]);
    const principal = await verifier.verify(await (await createTokenSigner(gateway)).signUser({ ...web, grants }, 60));
    expect(principal).toMatchObject({ id: 'project:prj_1', name: 'acme/web (project)', kind: 'project', roles: [] });
    expect([may(principal, 'project.read', '/orgs/acme/projects/web'), may(principal, 'project.read', '/orgs/acme')]).toEqual([
      true,
      false,
    ]);
    expect([viaOf(principal), isProgram(principal), isProgram({ id: 'user:usr_1' })]).toEqual(['api-token:flt_1', true, false]);
    const posing = new SignJWT({ roles: ['admin'] })
      .setProtectedHeader({ alg: 'EdDSA', kid: gateway.privateJwk.kid, typ: 'JWT' })
      .setIssuer('api-gateway')
      .setAudience('fairlead')
      .setSubject('user:prj_1')
      .setIssuedAt()
      .setExpirationTime('60 seconds');
    await expect(verifier.verify(await posing.sign(await importJWK(gateway.privateJwk, 'EdDSA')))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('names the account of a principal, and no account of any other', () => {
    expect(['user:usr_1', 'user:sva_1', 'project:prj_1'].map((principal) => accountOf(principal))).toEqual(['usr_1', 'sva_1', 'prj_1']);
    for (const principal of ['user:prj_1', 'project:usr_1', 'service:audit', 'user:', 'usr_1', ''])
      expect([principal, accountOf(principal)]).toEqual([principal, undefined]);
  });

  it('carry a service and whom it acts for', async () => {
    const { orchestrator, verifier } = await setUp();
    const principal = await verifier.verify(await (await createTokenSigner(orchestrator)).serviceToken('user:usr_1'));
    expect(principal).toMatchObject({ id: 'service:job-orchestrator', onBehalfOf: 'user:usr_1' });
    expect(principal.grants.has('service.command')).toBe(true);
  });

  it('refuse a service that signs for a user, for another service, or with an unknown key', async () => {
    const { orchestrator, verifier } = await setUp();
    const refused = expect.objectContaining({ code: 'unauthenticated' });
    await expect(verifier.verify(await (await createTokenSigner(orchestrator)).signUser(ann, 60))).rejects.toEqual(refused);
    const forged = new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', kid: orchestrator.privateJwk.kid })
      .setIssuer('provisioner')
      .setAudience('fairlead')
      .setSubject('service:provisioner')
      .setIssuedAt()
      .setExpirationTime('60 seconds');
    await expect(verifier.verify(await forged.sign(await importJWK(orchestrator.privateJwk, 'EdDSA')))).rejects.toEqual(refused);
    const stranger = await generateSigningKey('api-gateway');
    await expect(verifier.verify(await (await createTokenSigner(stranger)).signUser(ann, 60))).rejects.toEqual(refused);
    await expect(verifier.verify('not.a.token')).rejects.toEqual(refused);
  });

  it('are of their own type: whatever else a service signs is none, whatever it says', async () => {
    const { gateway, verifier } = await setUp();
    const signed = (typ?: string) =>
      importJWK(gateway.privateJwk, 'EdDSA').then((key) =>
        new SignJWT({ roles: ['admin'] })
          .setProtectedHeader({ alg: 'EdDSA', kid: gateway.privateJwk.kid, ...(typ === undefined ? {} : { typ }) })
          .setIssuer('api-gateway')
          .setAudience('fairlead')
          .setSubject('user:usr_1')
          .setIssuedAt()
          .setExpirationTime('60 seconds')
          .sign(key),
      );
    expect(await verifier.verify(await signed('JWT'))).toMatchObject({ id: 'user:usr_1' });
    for (const typ of [undefined, 'fairlead-audit-anchor+jws', 'JOSE'])
      await expect(verifier.verify(await signed(typ))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('carry a scope, and when they end', async () => {
    const { gateway, verifier } = await setUp();
    const signer = await createTokenSigner(gateway);
    const whole = await verifier.verify(await signer.signUser(ann, 60));
    expect(whole.scope).toBeUndefined();
    expect(Math.abs(whole.expiresAtMs - Date.now() - 60_000)).toBeLessThan(30_000);
    for (const scope of [{ tenants: ['acme'], nodes: ['node-1'] }, { tenants: [] }, {}]) {
      const principal = await verifier.verify(await signer.signUser({ ...ann, scope }, 60));
      expect(principal.scope).toEqual(scope);
      const refused = expect.objectContaining({ code: 'permission_denied' });
      expect(() => {
        requirePermission(principal, 'tenant.migrate');
      }).toThrow(refused);
      expect(() => {
        requirePermission(principal, 'tenant.migrate', { scoped: true });
      }).not.toThrow();
      expect(() => {
        requirePermission(principal, 'identity.manage', { scoped: true });
      }).toThrow(refused);
    }
  });

  it.each([null, 'all', ['acme'], { tenants: 'acme' }, { tenants: [1] }, { nodes: null }, { orgs: ['one'] }])(
    'refuse a scope that is not understood: %j',
    async (scope) => {
      const { gateway, verifier } = await setUp();
      const signer = await createTokenSigner(gateway);
      await expect(verifier.verify(await signer.signUser({ ...ann, scope: scope as never }, 60))).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    },
  );

  it('refuse an expired token', async () => {
    const { gateway, verifier } = await setUp();
    await expect(verifier.verify(await (await createTokenSigner(gateway)).signUser(ann, -60))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

describe('key sets', () => {
  it('refuse a private key and never quote content', async () => {
    const { privateJwk } = await generateSigningKey('audit');
    expect(() => parseJwks(JSON.stringify({ keys: [privateJwk] }))).toThrow('the key set holds a private key');
    expect(() => parseJwks(`{"d":"secret-value"`)).toThrow('not a key set in JSON');
  });
});

describe('the roles that two sets have in common', () => {
  it.each([
    [['operator'], ['admin'], ['operator']],
    [['admin'], ['operator', 'viewer'], ['operator']],
    [['operator'], ['viewer'], ['viewer']],
    [['admin', 'viewer'], ['admin'], ['admin']],
    [['admin'], [], []],
  ] as const)('%j and %j: %j', (one, other, common) => {
    expect(commonRoles(one, other)).toEqual(common);
  });
});
