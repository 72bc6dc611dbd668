import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SecondFactor1763760000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table totp (
        user_id text primary key references users,
        sealed_secret bytea not null,
        enrolled_at timestamptz not null default now(),
        confirmed_at timestamptz,
        last_step bigint not null default 0
      )`);
    await queryRunner.query(`
      create table recovery_code (
        user_id text not null references totp on delete cascade,
        code_hash bytea not null,
        primary key (user_id, code_hash)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table recovery_code');
    await queryRunner.query('drop table totp');
  }
}
