import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIdempotencyTable } from '@fairlead/postgres';

export class IdempotencyKeys1764300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createIdempotencyTable(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table idempotency_key');
  }
}
