import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MigrationClass } from '@fairlead/postgres';
import { testDatabase, type TestDatabase } from './index.js';

type Migration = InstanceType<MigrationClass>;
type QueryRunner = Parameters<Migration['up']>[0];

class Notes1700000000000 implements Migration {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table note (id bigint primary key, text text not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table note');
  }
}

let first: TestDatabase;
let second: TestDatabase;

beforeAll(async () => {
  const options = { service: 'audit', migrations: [Notes1700000000000] } as const;
  [first, second] = await Promise.all([testDatabase(options), testDatabase(options)]);
});

afterAll(async () => {
  await Promise.all([first.drop(), second.drop()]);
});

describe('testDatabase', () => {
  it("opens a migrated database with the service's own rights", async () => {
    expect(await first.db.pendingMigrations()).toEqual([]);
    const [row] = await first.db.query<{ who: string; name: string }>('select current_user as who, current_database() as name');
    expect(row).toEqual({ who: 'fairlead_audit', name: first.name });
    await expect(first.db.query('create table other (id int)')).rejects.toThrow(/permission denied/);
  });

  it('gives each caller data of its own', async () => {
    await first.db.query('insert into audit.note values ($1, $2)', [7, 'mine']);
    expect(await first.adminSql.query('select id, text from audit.note')).toEqual([{ id: 7, text: 'mine' }]);
    expect(await second.db.query('select * from note')).toEqual([]);
  });

  it('has the event log installed', async () => {
    const [row] = await second.adminSql.query<{ found: boolean }>(
      "select exists (select 1 from pg_namespace where nspname = 'log') as found",
    );
    expect(row?.found).toBe(true);
  });
});
