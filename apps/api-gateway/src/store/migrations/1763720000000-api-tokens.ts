import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ApiTokens1763720000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table api_token (
        token_id text primary key,
        user_id text not null references users,
        name text not null,
        roles text[] not null,
        secret_hash bytea not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        last_used_at timestamptz,
        revoked_at timestamptz
      )`);
    await queryRunner.query('create index api_token_by_user on api_token (user_id, token_id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table api_token');
  }
}
