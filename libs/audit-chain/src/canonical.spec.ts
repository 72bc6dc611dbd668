import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, canonicalRow, canonicalText, leafOf, parseExact } from './index.js';
import { rowAt } from './chain.fixture.js';

// Properties take their time on a busy machine.
const canonical = (text: string) => canonicalJson(parseExact(text));

describe('canonical JSON', () => {
  it('is that of RFC 8785', () => {
    const given =
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}';
    expect(canonical(given)).toBe(
      '{"literals":[null,true,false],"numbers":[33333333333333329e-8,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    expect(canonical('{"\\ud83d\\ude00":1,"\\ufb33":2,"a":3,"A":4,"":5}')).toBe('{"":5,"A":4,"a":3,"\u{1f600}":1,"\ufb33":2}');
  });

  it('does not hang on how the same value is printed', () => {
    for (const texts of [
      ['1', '1.0', '10e-1', '1.000'],
      ['0', '-0', '0.0', '0e9'],
      ['12345678901234567890', '1234567890123456789e1'],
      ['1e400', `1${'0'.repeat(400)}`],
    ]) {
      expect([texts, new Set(texts.map(canonical)).size]).toEqual([texts, 1]);
    }
    expect(canonical('{"b":1,"a":[ 2 ]}')).toBe(canonical('{ "a":[2],"b":1.0}'));
  });

  it('tells apart numbers that a double does not', () => {
    expect(canonical('12345678901234567890')).not.toBe(canonical('12345678901234567891'));
    expect(canonical('0.1')).not.toBe(canonical('0.1000000000000000055511151231257827'));
    for (const around of [
      (n: string) => `[${n}]`,
      (n: string) => `{"a":"x","b": ${n}}`,
      (n: string) => `[1,${n},2]`,
      (n: string) => `[\n-${n}]`,
    ])
      expect(canonical(around('9007199254740993'))).not.toBe(canonical(around('9007199254740992')));
    expect(canonical('{"n":9007199254740993}')).toBe('{"n":9007199254740993e0}');
  });

  it('is its own canonical form, and loses nothing, of any JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const once = canonical(text);
        expect(canonical(once)).toBe(once);
        expect(JSON.parse(once)).toEqual(JSON.parse(JSON.stringify(JSON.parse(text)).replaceAll('-0,', '0,')));
      }),
    );
  });
});

describe("an event's canonical form", () => {
  it('is written down, and so are its hashes', () => {
    const event = canonicalRow(rowAt(7, { payload: '{"b": 1.50, "a": "é"}', recorded_at: '1763769600.123456' }));
    expect(canonicalText(event)).toBe(
      '{"aggregate_id":"job_7","aggregate_type":"job","meta":{"principal":"user:usr_ada"},"payload":{"a":"é","b":1.5},"position":7,"recorded_at":"2025-11-22T00:00:00.123456Z","schema_version":1,"type":"job_queued","version":1}',
    );
    expect(leafOf(event).toString('hex')).toBe('e51828dad2f12f66c227ec759e81f0f8');
  });

  it('changes with every column', () => {
    const row = rowAt(7);
    const changes = [
      { position: 8 },
      { aggregate_type: 'plan' },
      { aggregate_id: 'x' },
      { version: '2' },
      { version: '9007199254740993' },
      { type: 'x' },
      { schema_version: '2' },
      { payload: '{}' },
      { meta: '{}' },
      { recorded_at: '1763700007.000001' },
      { recorded_at: '-1763700007.000000' },
      { recorded_at: 'Infinity' },
    ];
    const texts = [row, ...changes.map((change) => ({ ...row, ...change }))].map((one) => canonicalText(canonicalRow(one)));
    expect(new Set(texts).size).toBe(changes.length + 1);
  });
});
