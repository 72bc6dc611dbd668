import { describe, expect, it } from '@jest/globals';
import { placedKinds } from '@fairlead/contracts';
import { placeTenant, sameRegistration } from './creation.js';

const candidates = placedKinds.flatMap((kind) => [
  { kind, shardId: `${kind}-1`, weight: 1, tenants: 5, endpoints: 1, state: 'active' },
  { kind, shardId: `${kind}-2`, weight: 1, tenants: 2, endpoints: 1, state: 'active' },
  { kind, shardId: `${kind}-3`, weight: 1, tenants: 0, endpoints: 1, state: 'cordoned' },
  { kind, shardId: `${kind}-4`, weight: 1, tenants: 0, endpoints: 0, state: 'active' },
]);

describe('placeTenant', () => {
  it('follows what was asked for and gives the other kinds the shard with the most room', () => {
    expect(placeTenant({ runner: 'runner-1' }, candidates)).toEqual({
      aggregate: 'aggregate-2',
      projection: 'projection-2',
      runner: 'runner-1',
    });
  });

  it('places nobody on a shard that has no endpoint, and says so of one that was asked for', () => {
    const withoutEndpoint = candidates.filter(({ shardId }) => shardId !== 'runner-1' && shardId !== 'runner-2');
    const noEndpoint = expect.stringContaining('endpoint') as unknown;
    expect(() => placeTenant({}, withoutEndpoint)).toThrow(expect.objectContaining({ code: 'shard_not_found', message: noEndpoint }));
    expect(() => placeTenant({ runner: 'runner-4' }, candidates)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: noEndpoint }),
    );
  });

  it('refuses a shard that is unknown or cordoned, and a kind without active shards', () => {
    expect(() => placeTenant({ runner: 'aggregate-1' }, candidates)).toThrow(expect.objectContaining({ code: 'shard_not_found' }));
    expect(() => placeTenant({ runner: 'runner-3' }, candidates)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() =>
      placeTenant(
        {},
        candidates.filter(({ kind }) => kind !== 'runner'),
      ),
    ).toThrow(expect.objectContaining({ code: 'shard_not_found', details: { kind: 'runner' } }));
  });
});

describe('sameRegistration', () => {
  it('compares the name and what was asked for, not where the tenant went', () => {
    const first = { name: 'Acme', requested: { runner: 'runner-1' } };
    expect(sameRegistration(first, { name: 'Acme', requested: { runner: 'runner-1' } })).toBe(true);
    expect(sameRegistration(first, { name: 'Acme', requested: {} })).toBe(false);
    expect(sameRegistration(first, { name: 'Acme Ltd', requested: { runner: 'runner-1' } })).toBe(false);
  });
});
