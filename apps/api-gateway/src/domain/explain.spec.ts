import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { permissions, type Permission } from '@fairlead/contracts';
import { granted, may } from '@fairlead/auth';
import { explain } from './explain.js';
import { grantsOfHeld, type HeldRole } from './held-roles.js';

const path = fc.constantFrom('/', '/tenants/acme', '/tenants/globex', '/orgs/o', '/orgs/o/projects/p');
const permission = fc.constantFrom<Permission>(...permissions);
const held: fc.Arbitrary<HeldRole> = fc.oneof(
  fc.record({ role: fc.constantFrom('viewer', 'operator', 'admin'), scope: path, permissions: fc.constant(null) }),
  fc.record({ role: fc.constant('custom'), scope: path, permissions: fc.uniqueArray(permission, { maxLength: 3 }) }),
);

describe('an explanation', () => {
  it('agrees with the decision, and what would allow it does', () => {
    fc.assert(
      fc.property(fc.array(held, { maxLength: 5 }), permission, path, (all, wanted, on) => {
        const { allowed, by, would } = explain(all, wanted, on);
        expect(allowed).toBe(may(granted(grantsOfHeld(all)), wanted, on));
        expect([by.length > 0, would === undefined]).toEqual([allowed, allowed]);
        for (const role of would?.roles ?? [])
          for (const scope of would?.scopes ?? [])
            expect(may(granted(grantsOfHeld([...all, { role, scope, permissions: null }])), wanted, on)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names the roles that give it, and where they would have to be', () => {
    const viewer = { role: 'viewer', scope: '/tenants/acme', permissions: null };
    expect(explain([viewer], 'job.read', '/tenants/acme')).toEqual({ allowed: true, by: [viewer], would: undefined });
    expect(explain([viewer], 'identity.manage', '/orgs/o/projects/p')).toEqual({
      ...{ allowed: false, by: [], would: { roles: ['admin'], scopes: ['/', '/orgs/o', '/orgs/o/projects/p'] } },
    });
    // For services alone.
    expect(explain([viewer], 'service.command', '/').would).toEqual({ roles: [], scopes: ['/'] });
  });
});
