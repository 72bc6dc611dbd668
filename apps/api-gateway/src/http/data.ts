import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, wholeList } from '../edge/answers.js';
import { pageQuery } from '../edge/paging.js';
import type { Data } from '../data/browse.js';
import { operators, type Condition, type Operator } from '../data/question.js';
import type { Column, Table } from '../data/tables.js';

/** Under this Nest hands the data browser to the controller. */
export const dataBrowser = Symbol('the data browser');

const [maxColumns, maxConditions, maxValueLength] = [100, 10, 200];

const name = 'must be a name of lower-case letters, digits and underscores';
const sqlName = z.string(name).regex(/^[a-z][a-z0-9_]{0,62}$/, name);
const condition = `must be conditions such as status.eq.running, with one of ${operators.join(', ')}`;
const conditionPattern = new RegExp(`^([a-z][a-z0-9_]{0,62})\\.(${operators.join('|')})(?:\\.(.*))?$`, 's');

const rowsQuery = z.strictObject({
  columns: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(sqlName).max(maxColumns, `must be ${String(maxColumns)} at most`))
    .optional()
    .meta({ description: 'names, comma-separated; all when left out' }),
  filter: z
    .string()
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must not have control characters')
    .transform((text, context) => conditionsOf(text) ?? (context.addIssue(condition), z.NEVER))
    .pipe(
      z
        .array(z.custom<Condition>())
        .max(maxConditions, `must be ${String(maxConditions)} at most`)
        .refine(
          (all) => all.every(({ value }) => (value?.length ?? 0) <= maxValueLength),
          `a value has ${String(maxValueLength)} characters at most`,
        ),
    )
    .default([])
    .meta({
      description: `conditions that all hold, comma-separated: column.operator.value, with one of ${operators.join(', ')}; a comma or backslash in a value has a backslash before it`,
    }),
  order: z
    .string()
    .regex(/^-?[a-z][a-z0-9_]{0,62}$/, 'must be a column such as position or -position')
    .optional()
    .meta({ description: 'a column, with - before it for the greatest first; the primary key when left out' }),
  limit: pageQuery.limit,
  cursor: z.string().max(4_096, 'is not a cursor of this table in this order').optional(),
});

const columnSchema = z
  .object({
    name: z.string(),
    /** As Postgres calls it. */
    type: z.string(),
    nullable: z.boolean(),
    /** Its values are never shown, and can not be asked about. */
    masked: z.boolean(),
  })
  .meta({ id: 'DataColumn' });
const tableSchema = z
  .object({
    schema: z.string(),
    table: z.string(),
    estimated_rows: z.int(),
    /** Of the primary key. */
    key: z.array(z.string()),
    columns: z.array(columnSchema),
    /** False when nothing of it may be read. */
    readable: z.boolean(),
  })
  .meta({ id: 'DataTable' });
/** By the columns' names: a text as Postgres writes it, cut after 2,000 characters; null; or `[masked]`. */
const rowSchema = z.record(z.string(), z.string().nullable());

/** The control database's tables, to be looked into. */
@Controller('admin/v1/data/tables')
export class DataController {
  constructor(@Inject(dataBrowser) private readonly data: Data) {}

  /** Names alone: none of what is in the tables. */
  @Get()
  @RequirePermission('data.browse')
  @Answers('Lists the control database’s tables, and what of them may be read.', wholeList(tableSchema))
  async list() {
    const tables = await this.data.tables();
    return { items: tables.map(tableView), next_cursor: null };
  }

  /** That they were asked for, and by whom, is in the trail before the first one is read. */
  @Get(':schema/:table')
  @RequirePermission('data.browse')
  @Answers('Answers rows of a table, and records who asked for them.', page(rowSchema).extend({ columns: z.array(columnSchema) }))
  async read(
    @Param('schema', { schema: sqlName }) schema: string,
    @Param('table', { schema: sqlName }) table: string,
    @Query({ schema: rowsQuery }) asked: z.output<typeof rowsQuery>,
  ) {
    const { columns, rows, next } = await this.data.read({ schema, name: table }, asked);
    const items = rows.map((row) => Object.fromEntries(columns.map((column, nth) => [column.name, row[nth] ?? null])));
    return { items, next_cursor: next ?? null, columns: columns.map(columnView) };
  }
}

/** The conditions that a text is made of; undefined when one of them is none. */
function conditionsOf(text: string): Condition[] | undefined {
  const parts = text.match(/(?:\\.|[^,\\])+/gs) ?? [];
  // What the parts leave out is one comma between two of them, and no more.
  if (text === '' || parts.join(',') !== text) return undefined;
  const found = parts.map((part): Condition | undefined => {
    const [, column, operator, value] = conditionPattern.exec(part) ?? [];
    if (column === undefined || operator === undefined) return undefined;
    return { column, operator: operator as Operator, ...(value === undefined ? {} : { value: value.replaceAll(/\\(.)/gs, '$1') }) };
  });
  return found.every((one) => one !== undefined) ? found : undefined;
}

function columnView({ name, type, nullable, masked }: Column) {
  return { name, type, nullable, masked };
}

function tableView({ schema, name, estimatedRows, key, columns }: Table) {
  const masked = new Set(columns.filter((column) => column.masked).map((column) => column.name));
  return {
    schema,
    table: name,
    estimated_rows: estimatedRows,
    key,
    columns: columns.map(columnView),
    readable: key.length > 0 && !key.some((column) => masked.has(column)),
  };
}
