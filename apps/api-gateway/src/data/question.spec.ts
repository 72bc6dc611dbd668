import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairleadError } from '@fairlead/contracts';
import { cursorOf, operators, questionOf, statementOf, type Condition } from './question.js';
import type { Column, Table } from './tables.js';

const column = (name: string, type: string, more: Partial<Column> = {}): Column => ({
  name,
  type,
  nullable: false,
  masked: false,
  ...more,
});
const table: Table = {
  schema: 'placement',
  name: 'shard',
  estimatedRows: 0,
  key: ['kind', 'shard_id'],
  columns: [
    column('kind', 'text'),
    column('shard_id', 'text'),
    column('revision', 'bigint'),
    column('at', 'timestamp with time zone', { nullable: true }),
    column('labels', 'jsonb'),
    column('secret', 'text', { masked: true }),
  ],
};
const anyText = fc.string({ unit: 'binary', maxLength: 30 });
const anyName = fc.oneof(fc.constantFrom(...table.columns.map(({ name }) => name)), anyText);
const anyCondition: fc.Arbitrary<Condition> = fc.record(
  { column: anyName, operator: fc.constantFrom(...operators), value: fc.oneof(anyText, fc.nat().map(String)) },
  { requiredKeys: ['column', 'operator'] },
);
const anyAsked = fc.record(
  {
    columns: fc.array(anyName, { maxLength: 4 }),
    filter: fc.array(anyCondition, { maxLength: 3 }),
    order: fc.oneof(
      anyName,
      anyName.map((name) => `-${name}`),
    ),
    limit: fc.integer({ min: 1, max: 200 }),
    cursor: anyText,
  },
  { requiredKeys: ['filter', 'limit'] },
);

/** All of a statement that is not a value: what there may be besides the table's own names. */
const words =
  /select|array|left|from|where|and|order|by|asc|desc|limit|is|not|null|starts_with|to_jsonb|text|bigint|boolean|uuid|timestamptz|as|cells|place/;

describe('a statement', () => {
  it('is made of the table’s own names and fixed words, whatever is asked, and of no masked column', () => {
    fc.assert(
      fc.property(anyAsked, (asked) => {
        let text: string;
        try {
          ({ text } = statementOf(questionOf(table, asked)));
        } catch (error) {
          expect(error).toBeInstanceOf(FairleadError);
          return;
        }
        const names = ['placement', 'shard', ...table.columns.filter(({ masked }) => !masked).map(({ name }) => name)];
        const rest = text.replaceAll(/"([^"]*)"/g, (_, name: string) => (names.includes(name) ? '' : `unknown name ${name}`));
        expect(rest.replaceAll(new RegExp(`\\b(?:${words.source})\\b|\\$\\d+|\\b2001\\b|'\\{\\}'`, 'g'), '')).toMatch(
          /^[\s[\](),.:<>=#]*$/,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('binds values, and goes on behind the row that a cursor was made of', () => {
    const asked = { filter: [{ column: 'shard_id', operator: 'starts_with', value: `'; --` }], order: '-revision', limit: 10 } as const;
    const question = questionOf(table, asked);
    const cursor = cursorOf(question, ['7', 'runner', 'runner-1']);
    const { text, params } = statementOf(questionOf(table, { ...asked, cursor }));
    expect(params).toEqual([`'; --`, '7', 'runner', 'runner-1', 11]);
    expect(text).toContain('("revision", "kind", "shard_id") < ($2::bigint, $3::text, $4::text)');
    expect(text).toContain('order by "revision" desc, "kind" desc, "shard_id" desc');
  });
});

describe('what is asked', () => {
  it.each([
    ['an order by what may be null', { order: 'at' }],
    ['an order by JSON', { order: 'labels' }],
    ['an order by what is masked', { order: 'secret' }],
    ['a comparison of JSON', { filter: [{ column: 'labels', operator: 'eq', value: '{}' }] }],
    ['a masked column', { filter: [{ column: 'secret', operator: 'is_null' }] }],
    ['a number that is none', { filter: [{ column: 'revision', operator: 'eq', value: '1e3' }] }],
  ] as const)('is refused for %s', (_, asked) => {
    expect(() => questionOf(table, { filter: [], limit: 1, ...asked })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('is refused for a table whose key is masked, or that has none', () => {
    for (const key of [['secret'], ['kind', 'secret'], []])
      expect(() => questionOf({ ...table, key }, { filter: [], limit: 1 })).toThrow(expect.objectContaining({ code: 'permission_denied' }));
  });
});
