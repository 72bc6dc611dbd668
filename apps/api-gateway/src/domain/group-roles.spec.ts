import { describe, expect, it } from '@jest/globals';
import { rolesOfGroups } from './group-roles.js';

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
