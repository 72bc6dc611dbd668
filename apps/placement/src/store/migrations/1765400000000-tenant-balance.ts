import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What balancing heeds of tenants. Tenants without a row have a load of 1, and may go anywhere. */
export class TenantBalance1765400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table tenant_balance (
        tenant_id text collate "C" primary key references tenant,
        load double precision not null check (load >= 0 and load <= 1e12),
        -- Kinds that the tenant does not move of.
        pinned text[] not null,
        -- Tenants of one group are kept on different shards.
        anti_affinity text collate "C",
        revision bigint not null
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table tenant_balance`);
  }
}
