import { aggregateOwners, controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { adminClient, roleOf, schemaOf, withSetupLock, type AdminAccess } from '@fairlead/postgres';
import { appendSql } from './sql/append.js';
import { chainedSql } from './sql/chained.js';
import { commandsSql } from './sql/commands.js';
import { epochTablesSql } from './sql/epoch-tables.js';
import { incarnationsSql } from './sql/incarnations.js';
import { partitionsSql } from './sql/partitions.js';
import { projectionControlSql } from './sql/projection-control.js';
import { projectionsSql } from './sql/projections.js';
import { readSql } from './sql/read.js';
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
  const partitionSize = access.partitionSize ?? defaultPartitionSize;
  if (!Number.isSafeInteger(partitionSize) || partitionSize < 100) throw new Error('a partition has at least 100 positions');
  await withSetupLock(access, async () => {
    const client = await adminClient(access);
    try {
      await prepareRoles(client);
      await client.query('begin');
      await client.query(`create schema if not exists log authorization ${ownerRole}`);
      await client.query(`set local role ${ownerRole}`);
      await installSchema(client, partitionSize);
      await grant(client);
      for (const service of controlPlaneServices) await installEpochTables(client, service);
      await client.query('commit');
    } finally {
      await client.end();
    }
  });
}

/**
 * Begins a new incarnation of a log that was restored from a backup: what it holds up to `after`, or all that it holds
 * now, stays what it was for who knows the incarnation before. Answers the new one and the position up to which that
 * holds. Throws, and changes nothing, when the log has no such position.
 */
export async function beginIncarnation(access: AdminAccess & { after?: number }): Promise<{ incarnation: string; after: number }> {
  const client = await adminClient(access);
  try {
    const begun = await client.query<{ incarnation: string }>('select log.begin_incarnation($1)::text as incarnation', [
      access.after ?? null,
    ]);
    const { rows } = await client.query<{ incarnation: string; after: string }>(
      'select incarnation::text, began_after::text as after from log.incarnation where incarnation = $1',
      [begun.rows[0]?.incarnation],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the event log is not installed');
    return { incarnation: row.incarnation, after: Number(row.after) };
  } finally {
    await client.end();
  }
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
  for (const sql of [
    tablesSql,
    incarnationsSql,
    partitionsSql,
    appendSql,
    readSql,
    commandsSql,
    chainedSql,
    projectionsSql,
    projectionControlSql,
  ])
    await client.query(sql);
  await client.query('insert into log.head (partition_size) values ($1) on conflict do nothing', [partitionSize]);
  // Of a log that was installed before there was a history, what came before is not known.
  await client.query(
    `insert into log.incarnation select incarnation, 0, clock_timestamp() from log.head where not exists (select from log.incarnation)`,
  );
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
  await client.query(`grant select on log.head, log.incarnation, log.event, log.partitions, log.stream to ${roles}`);
  await client.query(`grant select on log.projection, log.projection_control, log.projection_epoch, log.projection_part to ${roles}`);
  await client.query(
    `grant execute on function log.append(jsonb), log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[]),
      log.append_event(text, text, text, bigint, text, int, text, text), log.read(bigint, bigint, bigint), log.keep_partitions(), log.lock_projection(text), log.add_epoch(text, int, int, text[]),
      log.retire_epoch(text, int), log.drop_epoch(text, int), log.claim_parts(text, int, bigint),
      log.advance_parts(text, int, int[], bigint, bigint), log.stop_part(text, int, int, bigint, text, interval), log.lock_parts(text),
      log.swap_epoch(text, int), log.epoch_is_level(text, int), log.swap_was_told(text, int), log.chain_lag() to ${roles}`,
  );
  // Operators decide through audit, which writes down who did, and keeps the log's house.
  await client.query(
    `grant execute on function log.set_projection_paused(text, boolean), log.skip_event(text, int, bigint), log.request_rebuild(text),
      log.cancel_rebuild(text), log.forget_commands(bigint), log.begin_incarnation_after(bigint, uuid), log.note_chained(bigint) to ${roleOf('audit')}`,
  );
}

async function installEpochTables(client: Client, service: ControlPlaneService): Promise<void> {
  const schema = schemaOf(service);
  const functions = [`make_epoch_table(text, int, text)`, 'serve_epoch_table(text, int)', 'drop_epoch_table(text, int)'];
  const names = functions.map((name) => `${schema}.${name}`).join(', ');
  await client.query(`set local role ${roleOf(service)}_owner`);
  await client.query(epochTablesSql(schema));
  await client.query(`revoke all on function ${names} from public`);
  await client.query(`grant execute on function ${names} to ${roleOf(service)}`);
}
