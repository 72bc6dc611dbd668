import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergeShard, sameShard, shardStates, type ShardRequest } from './shards.js';

const request: fc.Arbitrary<ShardRequest> = fc.record({
  kind: fc.constant('runner' as const),
  shardId: fc.constant('r-1'),
  endpoints: fc.uniqueArray(
    fc.record({ endpointId: fc.constantFrom('e-1', 'e-2', 'e-3'), url: fc.constantFrom('http://127.0.0.1:1', 'http://127.0.0.1:2') }),
    {
      selector: ({ endpointId }) => endpointId,
    },
  ),
  weight: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  labels: fc.dictionary(fc.constantFrom('zone', 'rack'), fc.constantFrom('a', 'b')),
  state: fc.option(fc.constantFrom(...shardStates), { nil: undefined }),
});

describe('mergeShard', () => {
  it('changes nothing when repeated, in whatever order endpoints and labels come', () => {
    fc.assert(
      fc.property(request, request, (first, second) => {
        const stands = mergeShard(second, mergeShard(first, undefined));
        const labels = Object.fromEntries(Object.entries(second.labels).reverse());
        const again = mergeShard({ ...second, endpoints: [...second.endpoints].reverse(), labels }, stands);
        expect(sameShard(again, stands)).toBe(true);
      }),
    );
  });

  it('keeps weight and state when they are left out, and tells every other difference', () => {
    const stands = mergeShard(
      {
        kind: 'runner',
        shardId: 'r-1',
        endpoints: [{ endpointId: 'e-1', url: 'http://127.0.0.1:1' }],
        labels: {},
        weight: 4,
        state: 'cordoned',
      },
      undefined,
    );
    expect(mergeShard({ ...stands, weight: undefined, state: undefined }, stands)).toEqual(stands);
    for (const other of [
      { weight: 5 },
      { state: 'active' as const },
      { labels: { zone: 'a' } },
      { endpoints: [] },
      { endpoints: [{ endpointId: 'e-1', url: 'http://127.0.0.1:2' }] },
    ]) {
      expect(sameShard(mergeShard({ ...stands, ...other }, stands), stands)).toBe(false);
    }
    expect(mergeShard({ kind: 'runner', shardId: 'r-2', endpoints: [], labels: {} }, undefined)).toMatchObject({
      weight: 1,
      state: 'active',
    });
  });
});
