import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePrometheus, type Sample } from './prometheus.js';

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,20}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/).filter((text) => text !== '__proto__');
const labelValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', '{', '}', ',', '=', 'n', ' ', '#') }),
);
const value = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));
const sample: fc.Arbitrary<Sample> = fc.record({
  name,
  labels: fc.dictionary(labelName, labelValue, { maxKeys: 5, noNullPrototype: true }),
  value,
});

function rendered({ name, labels, value }: Sample, timestampMs?: number): string {
  const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  const number = Number.isNaN(value)
    ? 'NaN'
    : Number.isFinite(value)
      ? Object.is(value, -0)
        ? '-0'
        : String(value)
      : value > 0
        ? '+Inf'
        : '-Inf';
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number}${timestampMs === undefined ? '' : ` ${String(timestampMs)}`}`;
}

describe('parsePrometheus', () => {
  it('reads back whatever was written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sample, fc.option(fc.integer(), { nil: undefined })), { maxLength: 20 }), (written) => {
        const text = ['# HELP a "b', '# TYPE a counter', ...written.map(([one, timestampMs]) => rendered(one, timestampMs)), ''].join('\n');
        expect(parsePrometheus(text)).toEqual({ samples: written.map(([one]) => one), malformed: 0 });
      }),
    );
  });

  it('reads of wanted metrics what it reads of all', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), fc.constantFrom('a', 'e', '_', ':'), (written, letter) => {
        const text = ['# HELP a "b', ...written.map((one) => `  ${rendered(one)}\r`)].join('\n');
        const wanted = (some: string) => some.includes(letter);
        expect(parsePrometheus(text, wanted).samples).toEqual(parsePrometheus(text).samples.filter((one) => wanted(one.name)));
      }),
    );
  });

  it('takes any text without throwing, and no line for more than one sample', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', '{', '}', '"', '\\', '=', ',', ' ', '\n', '1', '#', '+', 'e', 'é') });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), noise), (text) => {
        const { samples, malformed } = parsePrometheus(text);
        expect(samples.length + malformed).toBeLessThanOrEqual(text.split('\n').length);
      }),
    );
  });

  it('is done soon with a long line that never becomes a sample', () => {
    const startedAt = performance.now();
    parsePrometheus(`a{${'b="\\'.repeat(50_000)}\na{${'b="c",'.repeat(20_000)}\na${' '.repeat(100_000)}x y z`);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it.each([
    ['a 1', { name: 'a', labels: {}, value: 1 }],
    ['a\t1e3 1700000000000', { name: 'a', labels: {}, value: 1000 }],
    ['a{}1', { name: 'a', labels: {}, value: 1 }],
    ['a { b = "c" , } 1\r', { name: 'a', labels: { b: 'c' }, value: 1 }],
    ['a_total{b="}"} 1 # {trace_id="x"} 0.5', { name: 'a_total', labels: { b: '}' }, value: 1 }],
    ['a{b="\\x"} .5', { name: 'a', labels: { b: '\\x' }, value: 0.5 }],
  ])('reads %j', (line, expected) => {
    expect(parsePrometheus(line)).toEqual({ samples: [expected], malformed: 0 });
  });

  it.each(['a', 'a1', '1a 1', 'a 0x10', 'a one', 'a 1 2 3', 'a{b} 1', 'a{b="c} 1', 'a{b="c"', 'a{b="c" d="e"} 1', '{b="c"} 1', 'a 1,5'])(
    'takes %j for no sample',
    (line) => {
      expect(parsePrometheus(line)).toEqual({ samples: [], malformed: 1 });
    },
  );

  it('ends after the samples it may read', () => {
    expect(parsePrometheus('a 1\n'.repeat(20_001)).samples).toHaveLength(20_000);
  });
});
