import type { MigrationInterface, QueryRunner } from 'typeorm';

export class UserRevision1763781000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table users add column revision bigint not null default 1');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table users drop column revision');
  }
}
