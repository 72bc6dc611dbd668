import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A project acts as an account of its own, as whom nobody signs in; its keys are API tokens of that. */
export class ProjectKeys1763891000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table users add column principal text not null
        generated always as (case when starts_with(user_id, 'prj_') then 'project:' else 'user:' end || user_id) stored`);
    await queryRunner.query(`
      insert into users (user_id, email, password_hash, service_account)
      select project_id, org.name || '/' || project.name || ' (project)', '*', org.name || '/' || project.name
      from project join org using (org_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const isProject = `starts_with(user_id, 'prj_')`;
    await queryRunner.query(`delete from role_binding where starts_with(principal, 'project:')`);
    await queryRunner.query(`delete from api_token where ${isProject}`);
    await queryRunner.query(`delete from users where ${isProject}`);
    await queryRunner.query('alter table users drop column principal');
  }
}
