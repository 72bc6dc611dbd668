import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Documents that nothing is looked for in are not analyzed: to compare them was most of what it took to analyze these tables. */
export class UnsearchedColumns1764450000000 implements MigrationInterface {
  name = 'UnsearchedColumns1764450000000';

  async up(runner: QueryRunner): Promise<void> {
    await setStatistics(runner, '0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await setStatistics(runner, 'default');
  }
}

const columns = {
  plan: ['canonical', 'body'],
  job: ['params', 'principal', 'failure', 'error'],
  step: ['output', 'error'],
  archived_job: ['job', 'steps'],
};

async function setStatistics(runner: QueryRunner, target: string): Promise<void> {
  for (const [table, names] of Object.entries(columns))
    await runner.query(`alter table ${table} ${names.map((name) => `alter column ${name} set statistics ${target}`).join(', ')}`);
}
