import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ApiTokenScope1763730000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`alter table api_token add column scope jsonb`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table api_token drop column scope');
  }
}
