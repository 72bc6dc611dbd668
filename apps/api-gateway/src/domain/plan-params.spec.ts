import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { movesOf } from './plan-params.js';

describe('movesOf', () => {
  it('takes a shard id with one kind', () => {
    expect(movesOf(['runner'], 'runner-2')).toEqual({ moves: { runner: 'runner-2' } });
  });

  it('takes a shard per kind, with or without the list of kinds', () => {
    const to = { runner: 'runner-2', aggregate: 'aggregate-1' };
    expect(movesOf(undefined, to)).toEqual({ moves: to });
    expect(movesOf(['aggregate', 'runner'], to)).toEqual({ moves: to });
  });

  it.each<[PlacedKind[] | undefined, string | Record<string, string>, string]>([
    [undefined, 'runner-2', '/to'],
    [[], 'runner-2', '/to'],
    [['runner', 'aggregate'], 'runner-2', '/to'],
    [['runner', 'runner'], 'runner-2', '/kinds'],
    [undefined, {}, '/to'],
    [['runner'], { aggregate: 'aggregate-1' }, '/to'],
    [['runner'], { runner: 'runner-1', aggregate: 'aggregate-1' }, '/to'],
  ])('refuses %j with %j', (kinds, to, pointer) => {
    expect(movesOf(kinds, to)).toMatchObject({ error: { pointer } });
  });

  it('gives the same moves however the same target is said', () => {
    fc.assert(
      fc.property(fc.constantFrom(...placedKinds), fc.stringMatching(/^[a-z]{1,10}$/), (kind, shard) => {
        expect(movesOf([kind], shard)).toEqual(movesOf(undefined, { [kind]: shard }));
      }),
    );
  });
});
