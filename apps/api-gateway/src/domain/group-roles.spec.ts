import { describe, expect, it } from '@jest/globals';
import { lackingIn, rolesOfGroups } from './group-roles.js';

describe('the roles of groups', () => {
  const mapping = { ops: ['operator'], staff: ['viewer'], leads: ['operator', 'viewer'] } as const;
  it.each<[unknown, string[]]>([
    [['ops'], ['operator']],
    [
      ['staff', 'leads'],
      ['operator', 'viewer'],
    ],
    ['ops', ['operator']],
    [['others'], []],
    [['__proto__', 'constructor', 'toString'], []],
    [[1, null, { ops: 1 }], []],
    [undefined, []],
    [{ ops: true }, []],
  ])('%j: %j', (claim, roles) => {
    expect(rolesOfGroups(claim, mapping)).toEqual(roles);
  });
});

it('lacks what differs by role or by scope', () => {
  const all = [
    { role: 'viewer', scope: '/' },
    { role: 'viewer', scope: '/tenants/acme' },
  ] as const;
  expect(lackingIn(all, [all[0]])).toEqual([all[1]]);
});
