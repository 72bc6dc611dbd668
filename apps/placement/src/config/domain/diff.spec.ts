import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { applyDiff, diff } from './diff.js';
import { pointerOf } from './problems.js';

const json = fc.jsonValue({ maxDepth: 4 });

describe('the difference of two documents', () => {
  it('makes the one of the other', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(canonicalize(applyDiff(diff(before, after), before))).toBe(canonicalize(after));
      }),
      { numRuns: 500 },
    );
  });

  it('makes it also of a document that differs in a few places', () => {
    const documents = json.chain((document) => fc.tuple(fc.constant(document), fc.array(json, { maxLength: 3 })));
    fc.assert(
      fc.property(documents, fc.string(), ([document, others], key) => {
        const before = { a: document, list: [document, ...others], same: document };
        const after = { a: document, list: [...others.slice(1), document, 1], same: document, [`x${key}`]: document };
        expect(canonicalize(applyDiff(diff(before, after), before))).toBe(canonicalize(after));
        expect(diff(before, after).every(({ path }) => path[0] !== 'same')).toBe(true);
      }),
    );
  });

  it('of a document with itself is none', () => {
    fc.assert(
      fc.property(json, (document) => {
        expect(diff(document, structuredClone(document))).toEqual([]);
      }),
    );
  });

  it('names each path once, and what was and is there', () => {
    const changes = diff({ a: 1, b: { 'x/y': true }, l: [1, 2, 3] }, { b: { 'x/y': false }, c: null, l: [1, 9] });
    expect(changes.map(({ path, ...rest }) => ({ pointer: pointerOf(path), ...rest }))).toEqual([
      { pointer: '/a', op: 'removed', before: 1 },
      { pointer: '/b/x~1y', op: 'changed', before: true, after: false },
      { pointer: '/c', op: 'added', after: null },
      { pointer: '/l/1', op: 'changed', before: 2, after: 9 },
      { pointer: '/l/2', op: 'removed', before: 3 },
    ]);
  });

  it('is not made of a value that it is not of', () => {
    expect(() => applyDiff([{ op: 'changed', path: ['a', 'b'], before: 1, after: 2 }], { a: 1 })).toThrow('/a/b');
  });
});
