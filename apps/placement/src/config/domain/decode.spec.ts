import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalForm, sha256Of } from './canonical.js';
import { decode, maxAliases, maxDepth, maxTextBytes } from './decode.js';
import { maxProblems, type ConfigError } from './problems.js';

const refusedWith = (pointer: string, detail: RegExp) =>
  expect.objectContaining({
    code: 'config_decode',
    problems: expect.arrayContaining([{ pointer, detail: expect.stringMatching(detail) as unknown }]) as unknown,
  });
const nested = (levels: number, open: string, close: string) => `{"a":${open.repeat(levels)}${close.repeat(levels)}}`;

describe('a text', () => {
  it('is the same document in JSON and in YAML', () => {
    const json = decode('{"flags": {"fast": {"value": true, "tenants": {"acme": false}}}}', 'json');
    const yaml = decode('flags:\n  fast: &fast\n    value: yes-please\n', 'yaml');
    expect(json).toEqual({ flags: { fast: { value: true, tenants: { acme: false } } } });
    expect(yaml).toEqual({ flags: { fast: { value: 'yes-please' } } });
    const both = ['json', 'yaml'] as const;
    const [one, other] = both.map((format) => sha256Of(canonicalForm(decode('{"b": [1.0, "x"], "a": 1e2}', format))));
    expect(one).toBe(other);
  });

  it('may begin with a mark of the byte order, and end its lines as on Windows', () => {
    const mark = '\uFEFF';
    for (const json of ['{"a": 1}', '{\r\n  "a": 1\r\n}\r\n']) expect(decode(mark + json, 'json')).toEqual({ a: 1 });
    expect(decode(`${mark}a: 1\r\nb:\r\n  - |\r\n    x\r\n    y\r\n`, 'yaml')).toEqual({ a: 1, b: ['x\ny\n'] });
    expect(() => decode(`${mark}${mark}{}`, 'json')).toThrow(refusedWith('', /^is not JSON/));
    expect(() => decode(mark, 'json')).toThrow(refusedWith('', /^is not JSON/));
    expect(() => decode(mark, 'yaml')).toThrow(refusedWith('', /must be an object/));
  });

  it('of any object comes back as it was, as JSON and as YAML that is JSON', () => {
    const documents = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
    fc.assert(
      fc.property(documents, fc.constantFrom('json', 'yaml'), (document, format) => {
        const text = JSON.stringify(document);
        fc.pre(!text.includes('\\u0000') && !text.includes('__proto__') && !text.includes('\\ud') && text.isWellFormed());
        expect(canonicalForm(decode(text, format as 'json'))).toBe(canonicalForm(document));
      }),
    );
  });

  it.each([
    ['JSON that is none', 'json', '{"a": }', '', /^is not JSON/],
    ['JSON with a member that stands twice', 'json', '{"a": 1, "b": {"c": 1, "c": 2}}', '', /"c" stands twice/],
    ['YAML that is none', 'yaml', 'a: [1', '', /^is not YAML/],
    ['YAML with a member that stands twice', 'yaml', 'a: 1\n"a": 2', '', /"a" stands twice/],
    ['YAML of two documents', 'yaml', 'a: 1\n---\nb: 1', '', /^holds more than one document$/],
    ['YAML with a tag that nobody knows', 'yaml', 'a: !secret x', '', /^is not YAML/],
    ['YAML with an alias of nothing', 'yaml', 'a: *b', '', /alias/i],
    ['a list', 'json', '[1]', '', /must be an object/],
    ['nothing', 'yaml', '', '', /must be an object/],
    ['a number that JSON does not have', 'yaml', 'a:\n  b: .nan', '/a/b', /not a number/],
    ['a name that is none', 'json', '{"a": {"__proto__": 1}}', '/a', /name/],
    ['half a character', 'json', '{"a": ["\\ud800"]}', '/a/0', /no text/],
    ['a NUL', 'json', '{"a": "\\u0000"}', '/a', /no text/],
    ['too many levels in JSON', 'json', nested(maxDepth + 1, '[', ']'), '', /levels/],
  ] as const)('of %s is refused', (_what, format, text, pointer, detail) => {
    const found = pointer === '' && /levels/.test(detail.source) ? `/a${'/0'.repeat(maxDepth - 1)}` : pointer;
    expect(() => decode(text, format)).toThrow(refusedWith(found, detail));
  });

  it('tells a bounded part of what is wrong, however much there is of it and however long its names are', () => {
    const many = (name: string) => `{"${name}": [${'1e999,'.repeat(20_000)}1]}`;
    const faultsOf = (text: string) => {
      try {
        decode(text, 'json');
      } catch (error) {
        return (error as ConfigError).problems;
      }
      return [];
    };
    expect(faultsOf(many('a'))).toHaveLength(maxProblems);
    expect(faultsOf(many('k'.repeat(100_000)))).toEqual([{ pointer: '', detail: expect.stringMatching(/name is longer/) }]);
  });

  it('of as many members as fit is read at once', () => {
    const members = Array.from({ length: 20_000 }, (_, n) => `"${String(n)}":0`).join(',');
    expect(Object.keys(decode(`{${members}}`, 'json'))).toHaveLength(20_000);
    expect(() => decode(`{${members},"7":1}`, 'json')).toThrow(refusedWith('', /"7" stands twice/));
  });

  it('is bounded in size, depth and aliases', () => {
    expect(() => decode(`{"a": "${'x'.repeat(maxTextBytes)}"}`, 'json')).toThrow(refusedWith('', /larger/));
    expect(() => decode(nested(60_000, '[', ']'), 'yaml')).toThrow(expect.objectContaining({ code: 'config_decode' }));
    expect(() => decode(nested(60_000, '{"a":', '}').replace('{"a":}', '{}'), 'json')).toThrow(
      expect.objectContaining({ code: 'config_decode' }),
    );
    const aliases = (count: number) => `a: &a x\nb:\n${'  - *a\n'.repeat(count)}`;
    expect(decode(aliases(maxAliases), 'yaml')['b']).toHaveLength(maxAliases);
    expect(() => decode(aliases(maxAliases + 1), 'yaml')).toThrow(refusedWith('', /aliases/));
    const laughs = ['a0: &a0 [x,x,x,x,x,x,x,x,x]', ...[1, 2, 3, 4, 5].map((n) => `a${n}: &a${n} [${`*a${n - 1},`.repeat(9)}]`)];
    expect(() => decode(laughs.join('\n'), 'yaml')).toThrow(refusedWith('', /aliases/));
  });

  it('with several values that can not be kept is told all of them', () => {
    expect(() => decode('a: .inf\nb: [.nan]', 'yaml')).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ pointer: '/a' }), expect.objectContaining({ pointer: '/b/0' })],
      }),
    );
  });
});
