import { expect, it } from '@jest/globals';
import type { Principal } from '@fairlead/auth';
import { Registry } from '@fairlead/telemetry';
import { changeLimits } from './change-limits.js';

const reader = (user: string, apiTokenId?: string): Principal => ({
  id: `user:${user}`,
  name: user,
  kind: 'user',
  roles: [],
  grants: new Set(),
  expiresAtMs: Infinity,
  ...(apiTokenId === undefined ? {} : { apiTokenId }),
});

it('gives a token its places, a user with any number of tokens half of all, and takes them back', () => {
  const limits = changeLimits({ max: 10, maxPerPrincipal: 2, registry: new Registry() });
  const enter = (user: string, token?: string) => limits.enter(reader(user, token), 'sse');
  const leave = ['a', 'a', 'b', 'b', 'c'].map((token) => enter('ada', token));
  expect(() => enter('ada', 'd')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  expect(() => enter('ada', 'a')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  for (const user of ['bob', 'bob', 'eve', 'eve', 'joe']) enter(user);
  expect(() => enter('bob')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  expect(() => enter('sue')).toThrow(expect.objectContaining({ code: 'overloaded' }));
  leave[0]?.();
  leave[0]?.();
  enter('ada', 'd');
  expect(() => enter('ada', 'd')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
});
