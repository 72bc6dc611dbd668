import type { MigrationInterface, QueryRunner } from 'typeorm';
import { recordTables } from './1763730000000-record-resource.js';

/** Where the principal's request came from; what was recorded before does not tell it. The view that serves the trail gets the column too. */
export class RecordAddress1763750000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const serving = await servingTable(runner);
    for (const table of await recordTables(runner)) await runner.query(`alter table ${table} add column source_address text`);
    if (serving !== undefined) await runner.query(`create or replace view record as select * from ${serving}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const serving = await servingTable(runner);
    if (serving !== undefined) await runner.query('drop view record');
    for (const table of await recordTables(runner)) await runner.query(`alter table ${table} drop column source_address`);
    if (serving !== undefined) await runner.query(`create view record as select * from ${serving}`);
  }
}

/** The table that the view reads from, when there is one. */
async function servingTable(runner: QueryRunner): Promise<string | undefined> {
  const rows = (await runner.query(
    `select distinct t.relname as name from pg_rewrite r
       join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
       join pg_class t on t.oid = d.refobjid and t.relkind = 'r'
     where r.ev_class = to_regclass('record')`,
  )) as { name: string }[];
  return rows[0]?.name;
}
