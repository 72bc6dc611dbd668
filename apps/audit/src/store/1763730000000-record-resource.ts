import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What something was done to is asked for too, and one action by ranges of an index, which take the order of its bytes. The shape gets
 * the indexes, and all epochs' tables that were made of it.
 */
export class RecordResource1763730000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of await recordTables(runner)) {
      await runner.query(`create index ${table}_resource on ${table} (resource_type, resource_id, position)`);
      await runner.query(`create index ${table}_one_action on ${table} (action collate "C", position)`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of await recordTables(runner)) await runner.query(`drop index ${table}_resource, ${table}_one_action`);
  }
}

/** The shape and all epochs' tables that were made of it. */
export async function recordTables(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname ~ '^record_[ev][0-9]+$'`,
  )) as { name: string }[];
  return rows.map(({ name }) => name);
}
