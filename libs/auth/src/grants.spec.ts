import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orgPath, permissions, projectPath, roles, scopePathPattern, type Permission, type Role } from '@fairlead/contracts';
import {
  claimOf,
  common,
  createTokenSigner,
  createTokenVerifier,
  generateSigningKey,
  granted,
  grantsOfClaim,
  lackingAt,
  may,
  mayAnywhere,
  maxScopePaths,
  orgsWith,
  permissionsAt,
  projectsWith,
  requireOn,
  requirePermission,
  tenantsWith,
  type Grants,
  type Principal,
} from './index.js';

const [org, name] = [fc.constantFrom('o', 'o-1', 'o-11'), fc.constantFrom('a', 'ab', 'a-b', 'b')];
const path = fc.oneof(
  fc.constant('/'),
  org.map((one) => `/orgs/${one}`),
  fc.tuple(org, name).map(([one, project]) => `/orgs/${one}/projects/${project}`),
  name.map((one) => `/tenants/${one}`),
);
const permission = fc.constantFrom<Permission>(...permissions);
const someOfThem = fc.oneof(
  fc.uniqueArray(permission, { maxLength: 6 }),
  fc.constantFrom(...(Object.keys(roles) as Role[])).map((role): Permission[] => [...roles[role]]),
);
const grants: fc.Arbitrary<Grants> = fc
  .array(fc.tuple(path, someOfThem), { maxLength: 6 })
  .map((list) => new Map(list.map(([on, given]) => [on, new Set(given)])));

/** What grants mean, said once more in the plainest way. */
function oracle(all: Grants, wanted: Permission, on: string): boolean {
  const holds = [...all].flatMap(([above, given]) => [...given].map((one) => [above, one] as const));
  if (wanted === 'self') return holds.length > 0;
  return holds.some(([above, one]) => one === wanted && (above === '/' || above === on || on.startsWith(`${above}/`)));
}

describe('grants', () => {
  it('cover their path and all below it, and nothing else', () => {
    fc.assert(
      fc.property(grants, permission, path, (all, wanted, on) => {
        expect(may(granted(all), wanted, on)).toBe(oracle(all, wanted, on));
      }),
      { numRuns: 2_000 },
    );
  });

  it('deny everything to whoever has none', () => {
    fc.assert(
      fc.property(permission, path, (wanted, on) => {
        expect([may(granted(new Map()), wanted, on), mayAnywhere(granted(new Map()), wanted)]).toEqual([false, false]);
      }),
    );
  });

  it('are only ever more with one more grant', () => {
    fc.assert(
      fc.property(grants, path, someOfThem, permission, path, (all, on, more, wanted, asked) => {
        const larger = new Map([...all, [on, new Set([...(all.get(on) ?? []), ...more])]]);
        if (may(granted(all), wanted, asked)) expect(may(granted(larger), wanted, asked)).toBe(true);
      }),
    );
  });

  it('are on what is named, not on what merely begins like it', () => {
    const one = granted(
      new Map([
        ['/tenants/acme', new Set<Permission>(['job.read'])],
        ['/orgs/o', new Set<Permission>(['job.read'])],
      ]),
    );
    expect(
      ['/tenants/acme', '/tenants/acme-2', '/tenants/acm', '/', '/orgs/o/projects/p', '/orgs/oo'].map((on) => may(one, 'job.read', on)),
    ).toEqual([true, false, false, false, true, false]);
  });

  it('survive the way through an access token: the same decisions on the other side', async () => {
    const key = await generateSigningKey('api-gateway');
    const [signer, verifier] = [await createTokenSigner(key), createTokenVerifier({ jwks: { keys: [key.publicJwk] } })];
    await fc.assert(
      fc.asyncProperty(grants, fc.uniqueArray(fc.constantFrom(...(Object.keys(roles) as Role[]))), async (all, names) => {
        const token = await signer.signUser({ userId: 'usr_1', email: 'a@example.com', roles: names, grants: all }, 60);
        const principal = await verifier.verify(token);
        const everywhere = [...(all.get('/') ?? []), ...names.flatMap((role) => [...roles[role]])];
        const whole = granted(new Map([...all, ['/', new Set<Permission>(everywhere)]]));
        for (const on of ['/', ...all.keys(), '/tenants/b']) expect(permissionsAt(principal, on)).toEqual(permissionsAt(whole, on));
      }),
      { numRuns: 100 },
    );
  });

  it('that two sets have in common are what both give, everywhere', () => {
    fc.assert(
      fc.property(grants, grants, permission, path, (one, other, wanted, on) => {
        const both = may(granted(one), wanted, on) && may(granted(other), wanted, on);
        const shared = may(granted(common(one, other)), wanted, on);
        // Whoever has nothing in common does not have their own account in common either.
        if (wanted === 'self') expect(shared && !both).toBe(false);
        else expect(shared).toBe(both);
      }),
      { numRuns: 1_000 },
    );
  });

  it('narrow lists to tenants, or not at all', () => {
    const some = granted(
      new Map([
        ['/tenants/b', new Set<Permission>(['job.read'])],
        ['/tenants/a', new Set<Permission>(['job.read', 'tenant.read'])],
      ]),
    );
    expect([tenantsWith(some, 'job.read'), tenantsWith(some, 'tenant.read'), tenantsWith(some, 'fleet.read')]).toEqual([
      ['a', 'b'],
      ['a'],
      [],
    ]);
    expect(tenantsWith(granted(new Map([['/', new Set<Permission>(['job.read'])]])), 'job.read')).toBeUndefined();
    expect(lackingAt(some, ['job.read', 'tenant.read'], '/tenants/b')).toBe('tenant.read');
    expect(lackingAt(some, ['job.read', 'self'], '/tenants/b')).toBeUndefined();
  });
});

describe('grants on orgs and projects', () => {
  it('narrow lists to what they are on, and what is above hides nothing below', () => {
    fc.assert(
      fc.property(grants, permission, org, name, (all, wanted, on, project) => {
        const whole = granted(all);
        const [orgs, projects] = [orgsWith(whole, wanted), projectsWith(whole, wanted, on)];
        expect(orgs?.includes(on) ?? true).toBe(may(whole, wanted, orgPath(on)));
        expect(projects?.includes(project) ?? true).toBe(may(whole, wanted, projectPath(on, project)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('on a project are none on its org, nor on another org’s project of that name', () => {
    const one = granted(new Map([['/orgs/o/projects/a', new Set<Permission>(['project.read', 'org.read'])]]));
    expect([orgsWith(one, 'org.read'), projectsWith(one, 'project.read', 'o'), projectsWith(one, 'project.read', 'o-1')]).toEqual([
      [],
      ['a'],
      [],
    ]);
    expect(tenantsWith(one, 'org.read')).toEqual([]);
  });
});

describe('the claim of grants', () => {
  const viewer = new Set(roles.viewer);

  it('names roles, and says the same of many paths once', () => {
    const on = (...paths: string[]) => new Map(paths.map((one) => [one, viewer] as const));
    expect(claimOf(on('/tenants/b', '/tenants/a'))).toEqual([{ may: ['viewer'], on: ['/tenants/a', '/tenants/b'] }]);
    expect(claimOf(new Map([...on('/tenants/a', '/'), ['/tenants/c', new Set<Permission>([...viewer, 'job.cancel'])]]))).toEqual([
      { may: ['viewer'], on: ['/'] },
      { may: ['job.cancel'], on: ['/tenants/c'] },
    ]);
  });

  it('is refused beyond what a token holds', () => {
    const many = (count: number) => new Map(Array.from({ length: count }, (_, n) => [`/tenants/t${String(n)}`, viewer] as const));
    expect(claimOf(many(maxScopePaths))).toHaveLength(1);
    expect(() => claimOf(many(maxScopePaths + 1))).toThrow(expect.objectContaining({ code: 'too_many_grants' }));
    const mixed = new Map(
      Array.from(
        { length: 40 },
        (_, n) => [`/tenants/${'t'.repeat(50)}${String(n)}`, new Set(permissions.slice(0, (n % 25) + 2))] as const,
      ),
    );
    expect(() => claimOf(mixed)).toThrow(expect.objectContaining({ code: 'too_many_grants' }));
  });

  it('gives nothing for a name or a path that is not known', () => {
    const told = grantsOfClaim([
      { may: ['viewer', 'moon.land', 'toString'], on: ['/tenants/a', '/moon', '/tenants/A', 'tenants/a', '/tenants/a/x'] },
    ]);
    expect(told).toEqual(new Map([['/tenants/a', viewer]]));
  });

  it.each([null, 'all', {}, [null], ['viewer'], [{ may: 'viewer', on: ['/'] }], [{ may: ['viewer'], on: '/' }], [{ may: [1], on: ['/'] }]])(
    'is refused when it can’t be read: %j',
    (claim) => {
      expect(() => grantsOfClaim(claim)).toThrow('the grants');
    },
  );
});

describe('scope paths', () => {
  it.each([
    ['/', true],
    ['/tenants/acme', true],
    ['/orgs/acme', true],
    ['/orgs/acme/projects/web-1', true],
    ['/orgs/org_1', false],
    ['/orgs/Acme', false],
    ['/orgs/acme/projects/web/', false],
    ['/orgs/acme/projects/web/apps/a', false],
    ['/orgs/acme/projects/-', false],
    ['', false],
    ['//', false],
    ['/tenants', false],
    ['/tenants/', false],
    ['/tenants/a/', false],
    ['/tenants/a/b', false],
    ['/tenants/../a', false],
    ['/orgs/o/projects', false],
    ['/orgs/o/tenants/a', false],
    ['/tenants/a\n', false],
  ])('%j: %j', (on, valid) => {
    expect(scopePathPattern.test(on)).toBe(valid);
  });
});

describe('what is asked of a principal', () => {
  const ann: Principal = {
    ...granted(new Map([['/tenants/acme', viewer()]])),
    ...{ id: 'user:usr_1', name: 'ann', kind: 'user', roles: [], expiresAtMs: Infinity },
  };

  it('is answered for the tenant that it is about', () => {
    const denied = (scope: string) =>
      expect.objectContaining({ code: 'permission_denied', details: { permission: 'tenant.read', ...(scope === '/' ? {} : { scope }) } });
    requirePermission(ann, 'tenant.read', { tenant: 'acme' });
    requirePermission(ann, 'tenant.read', { anywhere: true });
    requirePermission(ann, 'self');
    requireOn(ann, 'tenant.read', '/tenants/acme');
    expect(() => {
      requirePermission(ann, 'tenant.read');
    }).toThrow(denied('/'));
    expect(() => {
      requirePermission(ann, 'tenant.read', { tenant: 'globex' });
    }).toThrow(denied('/tenants/globex'));
    expect(() => {
      requireOn(ann, 'tenant.read', '/');
    }).toThrow(denied('/'));
    expect(() => {
      requirePermission(ann, 'tenant.migrate', { anywhere: true });
    }).toThrow(expect.objectContaining({ code: 'permission_denied' }));
    expect(() => {
      requirePermission({ ...ann, scope: { tenants: ['acme'] } }, 'tenant.read', { tenant: 'acme' });
    }).toThrow('kept to some tenants');
  });
});

function viewer(): Set<Permission> {
  return new Set(roles.viewer);
}
