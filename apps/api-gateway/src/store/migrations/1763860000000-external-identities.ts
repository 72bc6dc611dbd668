import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ExternalIdentities1763860000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table external_identity (
        issuer text not null,
        subject text not null,
        user_id text not null unique references users,
        created_at timestamptz not null default now(),
        primary key (issuer, subject)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table external_identity');
  }
}
