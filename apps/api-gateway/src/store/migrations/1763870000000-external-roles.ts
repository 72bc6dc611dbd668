import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the token was issued that an external user's roles are those of: an older one gives nothing back that a newer one took. */
export class ExternalRoles1763870000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table external_identity add column roles_as_of timestamptz');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table external_identity drop column roles_as_of');
  }
}
