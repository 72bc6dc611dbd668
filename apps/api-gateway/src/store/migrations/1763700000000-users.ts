import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Users1763700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table users (
        user_id text primary key,
        email text not null unique check (email = lower(email)),
        password_hash text not null,
        password_is_initial boolean not null default false,
        roles text[] not null,
        disabled boolean not null default false,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table users');
  }
}
