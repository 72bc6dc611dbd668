import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an API token's custom roles gave when it was made, by role; null for one with roles of the product alone. Keys of projects had custom ones before. */
export class ApiTokenPermissions1763892000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table api_token add column permissions jsonb');
    await queryRunner.query(`
      update api_token set permissions = custom.permissions
      from (
        select token_id, jsonb_object_agg(role.name, role.permissions) as permissions
        from api_token join role on role.name = any(api_token.roles) group by token_id
      ) custom
      where custom.token_id = api_token.token_id`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table api_token drop column permissions');
  }
}
