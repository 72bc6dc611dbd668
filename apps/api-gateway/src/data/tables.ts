/** What tables there are, and what of them the data browser's role may read: by Postgres's own catalogue and privileges. */
import { controlPlaneServices, epochTables, FairleadError } from '@fairlead/contracts';
import { dataReaderRole, schemaOf, sqlState, type Sql } from '@fairlead/postgres';

export interface Column {
  readonly name: string;
  /** As Postgres calls it, such as `timestamp with time zone`. */
  readonly type: string;
  readonly nullable: boolean;
  /** The reader's role may not read it. */
  readonly masked: boolean;
}

export interface Table {
  readonly schema: string;
  readonly name: string;
  /** As Postgres last counted; 0 when it has not. */
  readonly estimatedRows: number;
  readonly columns: readonly Column[];
  /** The names of the primary key's columns, in its order. */
  readonly key: readonly string[];
}

const schemas = [...controlPlaneServices.map(schemaOf), 'log'];
/** SQLSTATE of a role that is not there. */
const undefinedObject = '42704';

/** The tables, by schema and name, or the one that is asked for; `unavailable` when the reader's role was never made. */
export async function readTables(sql: Sql, one?: { schema: string; name: string }): Promise<Table[]> {
  try {
    return await sql.query<Table>(
      // Partitions are counted with the table that they are of. Nothing here waits for who has locked a table.
      `select n.nspname::text as schema, c.relname::text as name,
         (select coalesce(sum(greatest(p.reltuples, 0)), 0) from pg_class p
           where p.oid in (select c.oid union all select inhrelid from pg_inherits where inhparent = c.oid) and p.relkind = 'r')::bigint as "estimatedRows",
         (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
             'masked', not has_column_privilege($1, c.oid, a.attnum, 'select')) order by a.attnum)
           from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
         array(select a.attname::text from pg_index i cross join unnest(i.indkey) with ordinality k(attnum, nth)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum where i.indrelid = c.oid and i.indisprimary order by k.nth) as key
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($2::text[]) and c.relname !~ $3
         and ($4::text is null or (n.nspname = $4 and c.relname = $5))
       order by 1, 2`,
      [dataReaderRole, schemas, epochTables, one?.schema ?? null, one?.name ?? null],
    );
  } catch (error) {
    if (sqlState(error) !== undefinedObject) throw error;
    throw new FairleadError(
      'unavailable',
      'The role that tables are read as is not there: `npm run db:init` makes it, and `npm run db:migrate` says what it may read',
      { cause: error },
    );
  }
}
