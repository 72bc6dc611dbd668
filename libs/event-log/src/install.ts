import { aggregateOwners, controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { adminClient, roleOf, type AdminAccess } from '@fairlead/postgres';
import { schemaSql } from './schema.js';

const ownerRole = 'fairlead_log_owner';

/**
 * Installs the log in a prepared database, or brings it up to date; safe to repeat. Its owner can't log in, and
 * services may read and call its functions, nothing else: what is written stays.
 */
export async function installEventLog(access: AdminAccess): Promise<void> {
  const client = await adminClient(access);
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [7_301_846_027]);
    const role = await client.query('select 1 from pg_roles where rolname = $1', [ownerRole]);
    if (role.rowCount === 0) await client.query(`create role ${ownerRole} nologin`);
    await client.query(`create schema if not exists log authorization ${ownerRole}`);
    await client.query(`set local role ${ownerRole}`);
    await client.query(schemaSql);
    await client.query('select log.ensure_partitions()');
    for (const [aggregateType, service] of Object.entries(aggregateOwners)) {
      await client.query(
        `insert into log.aggregate_owner (aggregate_type, role) values ($1, $2) on conflict (aggregate_type) do update set role = excluded.role`,
        [aggregateType, roleOf(service)],
      );
    }
    await client.query('revoke all on all functions in schema log from public');
    for (const service of controlPlaneServices) await grantTo(client, service);
    await client.query('commit');
    await client.query('reset role');
    for (const service of controlPlaneServices) {
      // A client that stalls inside a transaction may hold the head row: it is cut off, and leaves no gap.
      await client.query(`alter role ${roleOf(service)} set idle_in_transaction_session_timeout = '5s'`);
    }
  } finally {
    await client.end();
  }
}

async function grantTo(client: { query(text: string): Promise<unknown> }, service: ControlPlaneService): Promise<void> {
  const role = roleOf(service);
  await client.query(`grant usage on schema log to ${role}`);
  await client.query(`grant select on log.head, log.event, log.stream, log.projection to ${role}`);
  await client.query(`grant execute on function log.append(jsonb), log.ensure_partitions(bigint) to ${role}`);
  await client.query(`grant execute on function log.open_projection(text), log.advance_projection(text, bigint, bigint), log.stop_projection(text, text) to ${role}`);
}
