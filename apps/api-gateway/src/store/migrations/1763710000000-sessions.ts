import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Sessions1763710000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table session (
        session_id text primary key,
        user_id text not null references users,
        secret_hash bytea not null,
        created_at timestamptz not null default now(),
        last_used_at timestamptz not null default now(),
        expires_at timestamptz not null,
        idle_limit interval not null,
        address text not null,
        user_agent text not null,
        revoked_at timestamptz,
        refusal_recorded_at timestamptz
      )`);
    await queryRunner.query('create index session_by_user on session (user_id, session_id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table session');
  }
}
