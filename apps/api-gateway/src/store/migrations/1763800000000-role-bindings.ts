import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What users have as roles becomes bindings on the whole platform. */
export class RoleBindings1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table role (
        name text primary key,
        description text not null,
        permissions text[] not null,
        revision integer not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    await queryRunner.query(`
      create table role_binding (
        binding_id text primary key,
        principal text not null,
        role text not null,
        scope text not null,
        created_by text not null,
        created_at timestamptz not null default now(),
        unique (principal, role, scope)
      )`);
    await queryRunner.query('create index role_binding_by_role on role_binding (role)');
    await queryRunner.query(`
      insert into role_binding (binding_id, principal, role, scope, created_by)
      select 'bnd_' || replace(gen_random_uuid()::text, '-', ''), 'user:' || user_id, given.role, '/', 'service:api-gateway'
      from users, lateral (select distinct unnest(roles) as role) given`);
    await queryRunner.query('alter table users drop column roles');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`alter table users add column roles text[] not null default '{}'`);
    await queryRunner.query(`
      update users set roles = (
        select coalesce(array_agg(role order by role), '{}') from role_binding
        where principal = 'user:' || user_id and scope = '/' and role in ('viewer', 'operator', 'admin'))`);
    await queryRunner.query('alter table users alter column roles drop default');
    await queryRunner.query('drop table role_binding');
    await queryRunner.query('drop table role');
  }
}
