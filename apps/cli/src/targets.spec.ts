import { describe, expect, it } from '@jest/globals';
import { CliError, exitCodes } from './exit.js';
import { kindOfShard, movesBody, parseTargets } from './targets.js';

const exitCodeOf = (work: () => unknown) => {
  try {
    work();
    return exitCodes.ok;
  } catch (error) {
    return error instanceof CliError ? error.exitCode : undefined;
  }
};

describe('parseTargets', () => {
  it.each([
    ['runner-2', [], { shard: 'runner-2' }],
    ['runner-2', ['runner'], { moves: new Map([['runner', 'runner-2']]) }],
    ['runner=r2', [], { moves: new Map([['runner', 'r2']]) }],
    [
      'runner=r2, aggregate=a1',
      ['aggregate', 'runner'],
      {
        moves: new Map([
          ['runner', 'r2'],
          ['aggregate', 'a1'],
        ]),
      },
    ],
  ])('%s with kinds %j', (to, kinds, expected) => {
    expect(parseTargets(to, kinds)).toEqual(expected);
  });

  it.each([
    ['', []],
    [',', []],
    ['r1,r2', []],
    ['r1', ['runner', 'aggregate']],
    ['runner=', []],
    ['runner=a=b', []],
    ['gateway=g1', []],
    ['runner=a,runner=b', []],
    ['runner=a', ['aggregate']],
    ['runner=a,aggregate=b', ['runner']],
    ['r1', ['nonsense']],
  ])('%j with kinds %j is wrong usage', (to, kinds) => {
    expect(exitCodeOf(() => parseTargets(to, kinds))).toBe(exitCodes.usage);
  });
});

describe('kindOfShard', () => {
  const shards = [
    { kind: 'runner', shard_id: 'r1' },
    { kind: 'gateway', shard_id: 'edge' },
    { kind: 'runner', shard_id: 'both' },
    { kind: 'projection', shard_id: 'both' },
  ];

  it('finds the one kind that has the shard', () => {
    expect(kindOfShard('r1', shards)).toBe('runner');
  });

  it.each([
    ['nowhere', exitCodes.notFound],
    ['edge', exitCodes.notFound],
    ['both', exitCodes.usage],
  ])('%s ends with exit code %d', (shard, code) => {
    expect(exitCodeOf(() => kindOfShard(shard, shards))).toBe(code);
  });
});

describe('movesBody', () => {
  it('is a shard for one kind, a map for more', () => {
    expect(movesBody(new Map([['runner', 'r2']]))).toEqual({ kinds: ['runner'], to: 'r2' });
    expect(
      movesBody(
        new Map([
          ['runner', 'r2'],
          ['aggregate', 'a1'],
        ]),
      ),
    ).toEqual({ kinds: ['runner', 'aggregate'], to: { runner: 'r2', aggregate: 'a1' } });
  });
});
