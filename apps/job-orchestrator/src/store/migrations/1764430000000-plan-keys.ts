import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A plan's key is a caller's own: the same key and request answer the same plan, for as long as that is kept. */
export class PlanKeys1764430000000 implements MigrationInterface {
  name = 'PlanKeys1764430000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table plan add column idempotency_key text, add column payload_hash text`);
    await runner.query(`create unique index plan_by_key on plan (created_by, idempotency_key) where idempotency_key is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index plan_by_key`);
    await runner.query(`alter table plan drop column idempotency_key, drop column payload_hash`);
  }
}
