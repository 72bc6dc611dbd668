import type { Database, Sql, Transaction } from '@fairlead/postgres';
import type { OwnState, Version } from '../domain/epoch.js';

/**
 * Takes the one lock of all changes to placement, until the transaction ends. What is read afterwards stands until
 * then, and revisions are given out in commit order.
 */
export async function lockMeta(tx: Transaction): Promise<Version> {
  return only(await tx.query<Version>(`select epoch, revision from meta for update`));
}

/** The committed version and the bucket it is published to. */
export async function readOwnState(sql: Sql): Promise<OwnState> {
  return only(
    await sql.query<OwnState>(
      `select m.epoch, m.revision, p.bucket_created as "bucketCreated", p.epoch as "givenEpoch" from meta m cross join publication p`,
    ),
  );
}

/**
 * For whoever restored the database, as a superuser, while the service is stopped. Epochs that were begun since the backup are known to nobody but
 * the gateways, when KV was lost or restored too; but an epoch is a small number, or the second of an earlier restore plus what was begun since. So
 * the present second is above all of them, and the service begins its next epoch above it: as it has no bucket by this name, at once.
 */
export const afterRestoreSql = `
  update placement.publication set epoch = greatest(epoch, floor(extract(epoch from clock_timestamp()))::bigint), bucket_created = 'the database was restored'`;

/** Begins a new epoch, of which nothing is published yet. */
export async function beginEpoch(tx: Transaction, epoch: number): Promise<void> {
  await tx.query(
    `with begun as (update meta set epoch = $1)
     update publication set epoch = $1, revision = 0, bucket_created = null`,
    [epoch],
  );
}

/**
 * Remembers what was published and how far the bucket's sequence has come, unless something newer is known.
 * Answers the bucket that the epoch was first published to: another one than this means that it was lost since.
 */
export async function rememberPublication(
  sql: Sql,
  published: Version & { bucketCreated: string; sequence: number },
): Promise<string | undefined> {
  const [row] = await sql.query<{ bucketCreated: string }>(
    `update publication set epoch = $1, revision = $2, bucket_created = coalesce(bucket_created, $3), bucket_sequence = greatest(bucket_sequence, $4)
     where (epoch, revision) <= ($1, $2) returning bucket_created as "bucketCreated"`,
    [published.epoch, published.revision, published.bucketCreated, published.sequence],
  );
  return row?.bucketCreated;
}

/** The highest sequence known of any bucket. */
export async function readBucketSequence(sql: Sql): Promise<number> {
  return only(await sql.query<{ sequence: number }>(`select bucket_sequence as sequence from publication`)).sequence;
}

/** Runs work on the bucket that no two replicas may be in at once; changes to placement go on meanwhile. */
export function inTurnWithReplicas<T>(database: Database, work: () => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('placement-bucket', 0))`);
    return await work();
  });
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('a table of one row has none');
  return row;
}
