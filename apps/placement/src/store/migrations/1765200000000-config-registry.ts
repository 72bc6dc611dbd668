import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The configuration registry. Every revision stays, and its content is kept by hash: the same content stands once. Numbers of revisions are
 * a document's own and never given out twice, so that one which was staged and withdrawn is never taken for another.
 */
export class ConfigRegistry1765200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table config_content (
        sha256 text primary key,
        -- Canonical JSON (RFC 8785), as text: what the hash is of.
        content text not null,
        created_at timestamptz not null default now()
      )`);
    await runner.query(`
      create table config_document (
        domain text collate "C" not null,
        scope text collate "C" not null,
        name text collate "C" not null,
        -- What is in force; 0: the domain's defaults.
        revision bigint not null default 0,
        -- The highest number that was given out.
        newest bigint not null default 0,
        -- What a sample of gateways tries.
        candidate_revision bigint,
        candidate_gateways text[] not null default '{}',
        highest_fence bigint not null default 0,
        primary key (domain, scope, name)
      )`);
    await runner.query(`
      create table config_revision (
        domain text collate "C" not null,
        scope text collate "C" not null,
        name text collate "C" not null,
        revision bigint not null check (revision > 0),
        sha256 text not null references config_content,
        source text not null check (source in ('dev_file', 'nats_kv', 'api')),
        updated_at timestamptz not null default now(),
        updated_by text not null,
        reason text not null,
        -- When it came into force; null for one that never did.
        effective_at timestamptz,
        primary key (domain, scope, name, revision),
        foreign key (domain, scope, name) references config_document
      )`);
    await runner.query(`create index config_revision_content on config_revision (sha256)`);
    await runner.query(`
      create table config_change (
        idempotency_key text primary key,
        request_digest text not null,
        revision bigint not null,
        changed_at timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table config_change, config_revision, config_document, config_content`);
  }
}
