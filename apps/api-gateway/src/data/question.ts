/** What is asked of a table, held against its columns, and the one statement that reads it: names are the catalogue's, values are bound. */
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import { invalidField, invalidFields } from '../domain/invalid.js';
import type { Column, Table } from './tables.js';

export const operators = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'starts_with', 'is_null', 'is_not_null'] as const;
export type Operator = (typeof operators)[number];

export interface Condition {
  readonly column: string;
  readonly operator: Operator;
  /** Every operator but `is_null` and `is_not_null` has one. */
  readonly value?: string;
}

/** What a caller asks for. */
export interface Asked {
  /** All when left out. */
  readonly columns?: readonly string[];
  readonly filter: readonly Condition[];
  /** A column, ascending, or descending with `-` before it; the primary key when left out. */
  readonly order?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** What was asked, found right. */
export interface Question {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly filter: readonly Condition[];
  readonly descending: boolean;
  /** What the rows are in the order of, the primary key's columns last; by these a page goes on. */
  readonly order: readonly Column[];
  readonly limit: number;
  /** The values of `order` in the last row of the page before. */
  readonly after?: readonly string[];
}

/** What stands for a value that may not be read. */
export const mask = '[masked]';
/** Characters of one value that are handed out; the rest is cut, and marked with `…`. */
export const maxCellLength = 2_000;

/** How a column's values are compared: what Postgres takes them as, and what they look like. Others are only asked whether they are null. */
interface Comparison {
  readonly as: string;
  readonly holds: (value: string) => boolean;
  readonly detail: string;
}

const textual: Comparison = { as: 'text', holds: isStorable, detail: 'must not have control characters' };
const whole: Comparison = { as: 'bigint', holds: (value) => /^-?\d{1,18}$/.test(value), detail: 'is not a whole number' };
const instant = z.union([z.iso.datetime({ offset: true }), z.literal(['infinity', '-infinity'])]);
const comparisons = new Map<string, Comparison>([
  ['text', textual],
  ['character varying', textual],
  ['name', textual],
  ['smallint', whole],
  ['integer', whole],
  ['bigint', whole],
  ['boolean', { as: 'boolean', holds: (value) => /^(true|false)$/.test(value), detail: 'is not true or false' }],
  ['uuid', { as: 'uuid', holds: (value) => z.uuid().safeParse(value).success, detail: 'is not a UUID' }],
  [
    'timestamp with time zone',
    { as: 'timestamptz', holds: (value) => instant.safeParse(value).success, detail: 'is not an RFC 3339 time' },
  ],
]);

function isStorable(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0');
}

/**
 * Holds what is asked against the table's columns. Throws `invalid_argument` that names all that is wrong with columns, filter, order and
 * cursor, and `permission_denied` for a table of which nothing may be read.
 */
export function questionOf(table: Table, asked: Asked): Question {
  const named = new Map(table.columns.map((column) => [column.name, column]));
  const key = table.key.flatMap((name) => named.get(name) ?? []);
  // Without its key the rows have no order in which pages go on.
  if (key.length === 0 || key.some(({ masked }) => masked))
    throw new FairleadError('permission_denied', `Nothing of ${nameOf(table)} may be read: all of it is masked`);
  const wrong: { pointer: string; detail: string }[] = [];
  const columns = (asked.columns ?? table.columns.map(({ name }) => name)).flatMap((name) => {
    const column = named.get(name);
    if (column === undefined) wrong.push({ pointer: '/columns', detail: noColumn(table, name) });
    return column ?? [];
  });
  for (const condition of asked.filter) {
    const detail = faultOf(condition, named.get(condition.column));
    if (detail !== undefined) wrong.push({ pointer: '/filter', detail: `${condition.column} ${detail}` });
  }
  const { descending, first, fault } = orderOf(table, asked.order);
  if (fault !== undefined) wrong.push({ pointer: '/order', detail: fault });
  if (wrong.length > 0) throw invalidFields(wrong);
  const order = [...(first === undefined ? [] : [first]), ...key.filter((column) => column !== first)];
  const question = { table, columns, filter: asked.filter, descending, order, limit: asked.limit };
  return asked.cursor === undefined ? question : { ...question, after: readCursor(question, asked.cursor) };
}

/** What a page is in the order of, as it was asked for. */
export function orderText({ order, descending }: Pick<Question, 'order' | 'descending'>): string {
  return `${descending ? '-' : ''}${order[0]?.name ?? ''}`;
}

/** The cursor behind a row: of this table and this order alone. */
export function cursorOf(question: Question, values: readonly string[]): string {
  return Buffer.from(JSON.stringify([nameOf(question.table), orderText(question), ...values])).toString('base64url');
}

/** `schema.table`. */
export function nameOf({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return `${schema}.${name}`;
}

/**
 * The statement that reads a page: `cells`, the values of the columns that may be read, in their order, each as text and cut to one
 * character more than is handed out; and `place`, where the row stands, for its cursor.
 */
export function statementOf(question: Question): { text: string; params: unknown[] } {
  const params: unknown[] = [];
  const bind = (value: unknown, as: string) => `$${String(params.push(value))}::${as}`;
  const readable = question.columns.filter(({ masked }) => !masked);
  const cells = readable.map((column) => `left(${asText(column)}, ${String(maxCellLength + 1)})`);
  const conditions = question.filter.map((condition) => conditionText(condition, question.table, bind));
  const order = question.order.map(({ name }) => identifier(name));
  if (question.after !== undefined) {
    const values = question.after.map((value, nth) => bind(value, comparisonOf(question.order[nth])?.as ?? 'text'));
    conditions.push(`(${order.join(', ')}) ${question.descending ? '<' : '>'} (${values.join(', ')})`);
  }
  const direction = question.descending ? 'desc' : 'asc';
  const text = `select array[${cells.join(', ')}]::text[] as cells, array[${question.order.map(asText).join(', ')}]::text[] as place
    from ${identifier(question.table.schema)}.${identifier(question.table.name)}
    ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
    order by ${order.map((name) => `${name} ${direction}`).join(', ')}
    limit ${bind(question.limit + 1, 'bigint')}`;
  return { text, params };
}

function noColumn(table: Table, name: string): string {
  return `${nameOf(table)} has no column ${name}`;
}

/** What is wrong with a condition; undefined when nothing is. */
function faultOf({ operator, value }: Condition, column: Column | undefined): string | undefined {
  if (column === undefined) return 'is no column of the table';
  if (column.masked) return 'is masked: it can not be asked about';
  if (operator === 'is_null' || operator === 'is_not_null') return value === undefined ? undefined : `takes no value with ${operator}`;
  if (value === undefined) return `needs a value with ${operator}`;
  const comparison = comparisonOf(column);
  if (comparison === undefined) return `is of the type ${column.type}: it can only be asked whether it is null`;
  if (operator === 'starts_with' && comparison !== textual) return 'is no text that could start with something';
  return comparison.holds(value) ? undefined : `${operator}: the value ${comparison.detail}`;
}

/** Rows are put in the order of what is small and always there: the key, or numbers and times that are never null. */
function orderOf(table: Table, asked: string | undefined): { descending: boolean; first?: Column; fault?: string } {
  if (asked === undefined) return { descending: false };
  const descending = asked.startsWith('-');
  const name = descending ? asked.slice(1) : asked;
  const column = table.columns.find((one) => one.name === name);
  if (column === undefined) return { descending, fault: noColumn(table, name) };
  if (column.masked) return { descending, fault: `${name} is masked: it can not be asked about` };
  const comparison = comparisonOf(column);
  const sound = comparison !== undefined && (table.key.includes(name) || (comparison !== textual && !column.nullable));
  return sound
    ? { descending, first: column }
    : { descending, fault: `${name} is neither of the key nor a number or time that is never null` };
}

function readCursor(question: Omit<Question, 'after'>, cursor: string): readonly string[] {
  const [table, order, ...values] = listOf(Buffer.from(cursor, 'base64url').toString('utf8'));
  const fits =
    table === nameOf(question.table) &&
    order === orderText(question) &&
    values.length === question.order.length &&
    question.order.every((column, nth) => comparisonOf(column)?.holds(values[nth] ?? '') === true);
  if (!fits) throw invalidField('cursor', 'is not a cursor of this table in this order');
  return values;
}

/** The texts of a list in JSON; none when it is anything else. */
function listOf(json: string): string[] {
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) && parsed.every((value) => typeof value === 'string') ? parsed : [];
  } catch {
    return [];
  }
}

function comparisonOf(column: Column | undefined): Comparison | undefined {
  // Of a text with a length, such as character varying(20), the length does not matter.
  return comparisons.get(column?.type.replace(/\(\d+\)/, '') ?? '');
}

const symbols = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

function conditionText({ column, operator, value }: Condition, table: Table, bind: (value: unknown, as: string) => string): string {
  const name = identifier(column);
  if (operator === 'is_null') return `${name} is null`;
  if (operator === 'is_not_null') return `${name} is not null`;
  const as = comparisonOf(table.columns.find((one) => one.name === column))?.as ?? 'text';
  if (operator === 'starts_with') return `starts_with(${name}::text, ${bind(value, 'text')})`;
  return `${name} ${symbols[operator]} ${bind(value, as)}`;
}

/** A value as text: times in RFC 3339, all else as Postgres writes it. */
function asText({ name, type }: Column): string {
  return type === 'timestamp with time zone' ? `(to_jsonb(${identifier(name)}) #>> '{}')` : `${identifier(name)}::text`;
}

/** A name as SQL takes it, whatever it holds. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
