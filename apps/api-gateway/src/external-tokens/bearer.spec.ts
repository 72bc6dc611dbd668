import { describe, expect, it } from '@jest/globals';
import { bearerOf } from './bearer.js';
import { tokenIssuerSetting } from './settings.js';

const own = { id: 'iam', issuer: 'https://iam.example.org', audience: 'fairlead' };
const setting = (more: object = {}) => JSON.stringify({ ...own, roles: { ops: ['operator'], acme: ['viewer@/tenants/acme'] }, ...more });
const claims = { iss: own.issuer, sub: 'ann', iat: 1, exp: 2, aud: 'fairlead' };

describe('whom a token of the issuer speaks for', () => {
  const settings = tokenIssuerSetting.parse(setting({ subject_claim: 'uid', roles_claim: 'teams' }));

  it('is what the named claims say, with each role once', () => {
    const bearer = bearerOf(settings, {
      ...claims,
      uid: '42',
      email: 'Ann@corp.test',
      teams: ['ops', 'acme', 'ops', 'choir'],
      groups: ['x'],
    });
    expect(bearer).toEqual({
      ...{ issuerId: 'iam', issuer: own.issuer, subject: '42', email: 'Ann@corp.test', issuedAt: 1, expiresAt: 2 },
      given: [
        { role: 'operator', scope: '/' },
        { role: 'viewer', scope: '/tenants/acme' },
      ],
    });
  });

  it.each([undefined, '', 42, ['ann'], 'a\u0000b', 'x'.repeat(256)])('is nobody when the subject is %j', (uid) => {
    expect(() => bearerOf(settings, { ...claims, uid })).toThrow('does not say whom');
  });

  it('has no role by claims that are no names, or that every object has', () => {
    for (const teams of [undefined, 1, { ops: true }, ['__proto__', 'constructor'], [['ops']]])
      expect(bearerOf(settings, { ...claims, uid: '42', teams }).given).toEqual([]);
  });
});

describe('the setting TOKEN_ISSUER', () => {
  it.each([
    ['no JSON', '{', 'not JSON'],
    ['what can’t be a role', setting({ roles: { ops: ['The Owner'] } }), 'must be the name of a role'],
    ['a role on what roles are not held on', setting({ roles: { ops: ['viewer@/orgs/x'] } }), 'must be the name of a role'],
    ['a tenant that can’t be', setting({ roles: { ops: ['viewer@/tenants/A B'] } }), 'must be the name of a role'],
    ['a shared secret’s algorithm', setting({ algorithms: ['HS256'] }), 'algorithms'],
    ['no algorithm', setting({ algorithms: ['none'] }), 'algorithms'],
    ['an issuer by another scheme', setting({ issuer: 'file:///etc/passwd' }), 'issuer'],
    ['what is not known', setting({ secret: 'not-to-be-quoted' }), 'not an issuer'],
  ])('refuses %s', (_name, text, why) => {
    const parsed = tokenIssuerSetting.safeParse(text);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.message).toContain(why);
    expect(parsed.error?.message).not.toContain('not-to-be-quoted');
  });
});
