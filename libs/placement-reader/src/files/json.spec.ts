import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonFault, parseJson, placeOf } from './json.js';

/** JSON values whose objects have no member called __proto__, in any layout. */
const anyText = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, 2, '\t'))
  .map(([value, space]) => JSON.stringify(value, null, space))
  .filter((text) => !text.includes('__proto__'));

function faultOf(text: string): JsonFault {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
  throw new Error('the text was taken');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('reading JSON', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses exactly what JSON.parse refuses, and names where', () => {
    const damaged = fc.tuple(
      anyText,
      fc.nat(),
      fc.nat({ max: 3 }),
      fc.constantFrom('', ',', '"', '}', ']', '{', ':', '0', '-', '\\', '\n', '@', 'e'),
    );
    fc.assert(
      fc.property(damaged, ([text, where, cut, inserted]) => {
        const at = where % (text.length + 1);
        const changed = text.slice(0, at) + inserted + text.slice(at + cut);
        if (isJson(changed)) {
          // A change can only make a member stand twice.
          try {
            parseJson(changed);
          } catch (error) {
            expect((error as Error).message).toMatch(/stands twice|__proto__/);
          }
          return;
        }
        const { place } = faultOf(changed);
        const lines = changed.split('\n');
        expect(place.line).toBeGreaterThanOrEqual(1);
        expect(place.line).toBeLessThanOrEqual(lines.length);
        expect(place.column).toBeLessThanOrEqual((lines[place.line - 1] ?? '').length + 1);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['', 1, 1, 'the file ends too early'],
    ['{\n  "a": 1,\n  "b": tru\n}', 3, 8, 'a value is expected'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, "',' or '}' is expected"],
    ['{\n  "a": 1,\n}', 3, 1, 'a member name in double quotes is expected'],
    ['[1,\n2,\n]', 3, 1, 'a value is expected'],
    ["{\n  'a': 1}", 2, 3, 'a member name in double quotes is expected'],
    ['{"a" 1}', 1, 6, "':' is expected"],
    ['{"a": 1}\n{}', 2, 1, 'there is text after the end'],
    ['{\n"a": 1', 2, 7, 'the file ends too early'],
    ['{\n"a": "x\n"}', 2, 6, 'a string does not end on its line'],
    ['["\\x"]', 1, 3, 'an unknown escape in a string'],
    ['[01]', 1, 3, "',' or ']' is expected"],
    ['{\n"a": 1,\n"\\u0061": 2}', 3, 1, '"a" stands twice'],
    ['{"a":{"__proto__": 1}}', 1, 7, 'a member can not be called __proto__'],
    ['['.repeat(100_000), 1, 65, 'nested deeper than 64'],
  ])('tells of %j', (text, line, column, message) => {
    expect(faultOf(text)).toMatchObject({ message, place: { line, column } });
  });

  it('finds the place of a path, or of the last part of it that is there', () => {
    const text = '{\n  "a": [\n    1,\n    {"b": 2,\n     "c": 3}\n  ],\n  "d": {"a": {}}\n}';
    const place = (...path: PropertyKey[]) => {
      const { line, column } = placeOf(text, path);
      return [line, column];
    };
    expect(place()).toEqual([1, 1]);
    expect(place('a')).toEqual([2, 3]);
    expect(place('a', 0)).toEqual([3, 5]);
    expect(place('a', 1, 'c')).toEqual([5, 6]);
    expect(place('a', 1, 'missing')).toEqual([4, 5]);
    expect(place('d', 'a', 'b', 'c')).toEqual([7, 9]);
    expect(place('nowhere')).toEqual([1, 1]);
  });
});
