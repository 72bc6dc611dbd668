import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The hash chain over the log, and copies of its anchors. The service adds to them and changes nothing but whether an
 * anchor was posted; whoever can change them otherwise is found out by the anchors outside of the database.
 */
export class Chain1763720000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table chain (position bigint primary key, hash bytea not null, leaf bytea not null)');
    await runner.query(
      'create table chain_head (singleton boolean primary key default true check (singleton), position bigint not null, hash bytea not null)',
    );
    await runner.query(`insert into chain_head (position, hash) values (0, decode(repeat('00', 32), 'hex'))`);
    await runner.query(`
      create table anchor (
        id bigint generated always as identity primary key,
        digest bytea not null unique,
        from_position bigint not null,
        position bigint not null,
        incarnation text not null,
        time timestamptz not null,
        jws text not null,
        posted boolean not null default false
      )`);
    await runner.query('create index anchor_to_post on anchor (id) where not posted');
    await runner.query('revoke update, delete on chain, anchor from fairlead_audit');
    await runner.query('revoke delete on chain_head from fairlead_audit');
    await runner.query('grant update (posted) on anchor to fairlead_audit');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table anchor, chain_head, chain');
  }
}
