import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isDeeperThan } from './json-depth.js';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('the depth of JSON', () => {
  it('is what its value has', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(7), (json, limit) => {
        expect(isDeeperThan(limit, json)).toBe(depthOf(JSON.parse(json)) > limit);
      }),
    );
  });

  it('is told of a text that is none, without failing', () => {
    expect(['[[[', ']]]', '"[[[', '"\\', ''].map((text) => isDeeperThan(2, text))).toEqual([true, false, false, false, false]);
  });
});
