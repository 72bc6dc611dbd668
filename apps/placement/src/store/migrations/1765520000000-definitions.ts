import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Definitions of effects and sagas. A version is known by the hash of its content and never changes; the name is part of the content, so
 * that a hash belongs to one version. Numbers are a definition's own, from 1 on.
 */
export class Definitions1765520000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table definition (
        name text collate "C" primary key,
        kind text not null check (kind in ('effect', 'saga')),
        -- The highest number that was given out.
        newest bigint not null default 0
      )`);
    await runner.query(`
      create table definition_version (
        name text collate "C" not null references definition,
        version bigint not null check (version > 0),
        sha256 text not null unique,
        -- Canonical JSON (RFC 8785), as text: what the hash is of.
        content text not null,
        description text not null,
        created_at timestamptz not null default now(),
        created_by text not null,
        reason text not null,
        retired_at timestamptz,
        retired_by text,
        retired_reason text,
        primary key (name, version)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table definition_version, definition`);
  }
}
