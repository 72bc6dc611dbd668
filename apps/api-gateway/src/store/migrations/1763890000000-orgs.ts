import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Names are unique among what is there: a scope path is one org, or one project of it. */
export class Orgs1763890000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table org (
        org_id text primary key,
        name text not null unique,
        display_name text not null,
        revision integer not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    await queryRunner.query(`
      create table project (
        project_id text primary key,
        org_id text not null references org,
        name text not null,
        display_name text not null,
        revision integer not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (org_id, name)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table project');
    await queryRunner.query('drop table org');
  }
}
