import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A service account is a user whom nobody signs in as: with a name of its own in place of an e-mail address. */
export class ServiceAccounts1763880000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table users add column service_account text unique, add column deleted_at timestamptz');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table users drop column service_account, drop column deleted_at');
  }
}
