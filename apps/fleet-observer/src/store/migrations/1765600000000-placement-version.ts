import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By which placement endpoints were found last: what goes by an older one takes away none and adds none. */
export class PlacementVersion1765600000000 implements MigrationInterface {
  readonly name = 'PlacementVersion1765600000000';

  async up(runner: QueryRunner): Promise<void> {
    // Epoch and revision, in the order that arrays compare in. Null until one is known.
    await runner.query('alter table round add column placement_version bigint[]');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table round drop column placement_version');
  }
}
