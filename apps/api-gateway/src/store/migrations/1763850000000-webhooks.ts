import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Webhooks1763850000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table webhook (
        webhook_id text primary key,
        user_id text not null references users,
        name text not null unique,
        url text not null,
        types text[] not null,
        grants jsonb not null,
        sealed_secret bytea not null,
        previous_sealed_secret bytea,
        previous_until timestamptz,
        enabled boolean not null default true,
        disabled_cause text,
        position bigint not null,
        failing_since timestamptz,
        revision integer not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    await queryRunner.query(`
      create table webhook_delivery (
        delivery_id text primary key,
        webhook_id text not null references webhook on delete cascade,
        message_id text not null,
        position bigint,
        event_type text not null,
        status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
        attempts integer not null default 0,
        next_at timestamptz not null default now(),
        created_at timestamptz not null default now(),
        last_attempt_at timestamptz,
        status_code integer,
        error text,
        duration_ms integer,
        unique (webhook_id, position)
      )`);
    await queryRunner.query(`create index webhook_delivery_due on webhook_delivery (webhook_id, next_at) where status = 'pending'`);
    await queryRunner.query(`create index webhook_delivery_by_webhook on webhook_delivery (webhook_id, delivery_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table webhook_delivery');
    await queryRunner.query('drop table webhook');
  }
}
