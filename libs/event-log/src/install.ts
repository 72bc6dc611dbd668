import { aggregateOwners, controlPlaneServices } from '@fairlead/contracts';
import { adminClient, roleOf, withSetupLock, type AdminAccess } from '@fairlead/postgres';
import { appendSql } from './sql/append.js';
import { partitionsSql } from './sql/partitions.js';
import { projectionsSql } from './sql/projections.js';
import { tablesSql } from './sql/tables.js';

const ownerRole = 'fairlead_log_owner';
const defaultPartitionSize = 1_000_000;

type Client = Awaited<ReturnType<typeof adminClient>>;

/**
 * Installs the log in a prepared database, or brings it up to date; safe to repeat. Its owner can't log in, and
 * services may read and call its functions, nothing else: what is written stays. `partitionSize` (positions to a
 * partition) counts at the first installation alone.
 */
export async function installEventLog(access: AdminAccess & { partitionSize?: number }): Promise<void> {
  await withSetupLock(access, async () => {
    const client = await adminClient(access);
    try {
      await prepareRoles(client);
      await client.query('begin');
      await client.query(`create schema if not exists log authorization ${ownerRole}`);
      await client.query(`set local role ${ownerRole}`);
      await installSchema(client, access.partitionSize ?? defaultPartitionSize);
      await grant(client);
      await client.query('commit');
    } finally {
      await client.end();
    }
  });
}

async function prepareRoles(client: Client): Promise<void> {
  const owner = await client.query('select 1 from pg_roles where rolname = $1', [ownerRole]);
  if (owner.rowCount === 0) await client.query(`create role ${ownerRole} nologin`);
  for (const service of controlPlaneServices) {
    // A client that stalls within a transaction holds locks; a stall with the log's head in hand is cut off sooner, by log.append.
    await client.query(`alter role ${roleOf(service)} set idle_in_transaction_session_timeout = '5s'`);
  }
}

async function installSchema(client: Client, partitionSize: number): Promise<void> {
  for (const sql of [tablesSql, partitionsSql, appendSql, projectionsSql]) await client.query(sql);
  await client.query('insert into log.head (partition_size) values ($1) on conflict do nothing', [partitionSize]);
  await client.query('select log.keep_partitions()');
  const owners = Object.entries(aggregateOwners).map(([aggregateType, service]) => ({
    aggregate_type: aggregateType,
    role: roleOf(service),
  }));
  await client.query('delete from log.aggregate_owner');
  await client.query('insert into log.aggregate_owner select * from jsonb_populate_recordset(null::log.aggregate_owner, $1)', [
    JSON.stringify(owners),
  ]);
}

async function grant(client: Client): Promise<void> {
  const roles = controlPlaneServices.map(roleOf).join(', ');
  await client.query('revoke all on all functions in schema log from public');
  await client.query(`grant usage on schema log to ${roles}`);
  await client.query(`grant select on log.head, log.event, log.stream, log.projection to ${roles}`);
  await client.query(
    `grant execute on function log.append(jsonb), log.keep_partitions(), log.open_projection(text),
      log.advance_projection(text, int, bigint, bigint), log.stop_projection(text, int, bigint, text) to ${roles}`,
  );
}
