import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Sealed segments of the trail, and how far sealing has come. Segments are added and never changed; the files that they name hold the
 * records that the trail no longer has.
 */
export class Segments1763740000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table segment (
        from_position bigint primary key,
        to_position bigint not null unique,
        prior bytea not null,
        hash bytea not null,
        first_time text not null,
        last_time text not null,
        manifest text not null,
        file text not null,
        bytes bigint not null,
        sha256 bytea not null,
        sealed_at timestamptz not null
      )`);
    await runner.query('revoke update, delete on segment from fairlead_audit');
    await runner.query(`
      create table sealing (
        singleton boolean primary key default true check (singleton),
        sealed_until bigint not null default 0,
        dropped_until bigint not null default 0 check (dropped_until <= sealed_until),
        asked_before timestamptz(3),
        asked_correlation text,
        trouble text,
        trouble_since timestamptz
      )`);
    await runner.query('insert into sealing default values');
    await runner.query('revoke insert, delete on sealing from fairlead_audit');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table sealing, segment');
  }
}
