import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ApiTokenRotation1763770000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table api_token
        add column rotated_at timestamptz,
        add column previous_secret_hash bytea,
        add column previous_until timestamptz`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table api_token drop column rotated_at, drop column previous_secret_hash, drop column previous_until`);
  }
}
