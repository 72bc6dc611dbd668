import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a shard carries at most, and shards that are removed: their rows stay, so that publishers learn of it by the revision. */
export class ShardCapacity1765540000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table shard add column max_load double precision check (max_load > 0 and max_load <= 1e12)`);
    await runner.query(`alter table shard drop constraint shard_state_check`);
    await runner.query(`alter table shard add constraint shard_state_check check (state in ('active', 'cordoned', 'removed'))`);
    await runner.query(`alter table shard add constraint shard_removed_check check (state <> 'removed' or tenants = 0)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from shard where state = 'removed'`);
    await runner.query(`alter table shard drop constraint shard_removed_check`);
    await runner.query(`alter table shard drop constraint shard_state_check`);
    await runner.query(`alter table shard add constraint shard_state_check check (state in ('active', 'cordoned'))`);
    await runner.query(`alter table shard drop column max_load`);
  }
}
