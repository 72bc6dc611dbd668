import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SigningKeys1763791000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table signing_key (
        kid text primary key,
        sealed_jwk bytea not null,
        published_at timestamptz not null default now(),
        signs_from timestamptz,
        trusted_until timestamptz,
        check (trusted_until is null or signs_from is not null)
      )`);
    await queryRunner.query(`create unique index signing_key_next on signing_key ((true)) where signs_from is null`);
    await queryRunner.query(
      `create unique index signing_key_current on signing_key ((true)) where signs_from is not null and trusted_until is null`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table signing_key');
  }
}
