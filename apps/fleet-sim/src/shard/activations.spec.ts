import { describe, expect, it } from '@jest/globals';
import { activeDefinitions } from './activations.js';

const content = { defaults: { charge: 2, mail: null, ship: 1 }, tenants: { acme: { charge: 3, mail: 1, ship: null }, constructor: {} } };

describe('what a runner runs', () => {
  it.each([
    ['everybody for whom nothing else is said', undefined, { charge: 2, ship: 1 }],
    ['a tenant that has nothing of its own', 'globex', { charge: 2, ship: 1 }],
    ['a tenant that has its own, some of it off', 'acme', { charge: 3, mail: 1 }],
    ['a tenant with the name of what objects have', 'constructor', { charge: 2, ship: 1 }],
  ])('is what the document gives to %s', (_who, tenant, versions) => {
    expect(activeDefinitions(content, tenant)).toEqual(versions);
  });

  it('is nothing before there is a document, or when that can not be read', () => {
    for (const none of [undefined, {}, { defaults: { charge: 'newest' }, tenants: {} }])
      expect(activeDefinitions(none, 'acme')).toEqual({});
  });
});
