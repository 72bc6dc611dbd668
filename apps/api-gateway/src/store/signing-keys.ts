import type { Sql } from '@fairlead/postgres';
import type { KeyTimes } from '../domain/signing-keys.js';

/** A key as it is stored: its JWK sealed, the private half in it until another key is used in its place. */
export interface StoredKey extends KeyTimes {
  readonly sealedJwk: Buffer;
}

/** How long the rows of keys that are not trusted any more are kept, to be shown. */
const keptAfterEnd = '7 days';

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** All keys, the newest first, and the database's time. */
export async function readKeys(sql: Sql): Promise<{ keys: StoredKey[]; nowMs: number }> {
  const [clock] = await sql.query<{ nowMs: number }>(`select ${ms('clock_timestamp()')} as "nowMs"`);
  const keys = await sql.query<StoredKey>(
    `select kid, sealed_jwk as "sealedJwk", ${ms('published_at')} as "publishedAtMs", ${ms('signs_from')} as "signsFromMs",
       ${ms('trusted_until')} as "trustedUntilMs"
     from signing_key order by published_at desc, kid`,
  );
  return { keys, nowMs: clock?.nowMs ?? 0 };
}

/** Lets changes of keys take turns until the transaction ends. */
export async function lockKeys(tx: Sql): Promise<void> {
  await tx.query('lock table signing_key in share row exclusive mode');
}

/** Publishes a key, in a transaction that has locked the keys and found no next one. */
export async function insertKey(tx: Sql, key: { kid: string; sealedJwk: Buffer }): Promise<void> {
  await tx.query('insert into signing_key (kid, sealed_jwk) values ($1, $2)', [key.kid, key.sealedJwk]);
}

/** Ends the use of a key, whose private half is gone with that; answers until when it is trusted. */
export async function retireKey(tx: Sql, key: { kid: string; sealedPublicJwk: Buffer; overlapMs: number }): Promise<Date> {
  const [row] = await tx.query<{ until: Date }>(
    `update signing_key set sealed_jwk = $2, trusted_until = clock_timestamp() + make_interval(secs => $3) where kid = $1
     returning trusted_until as until`,
    [key.kid, key.sealedPublicJwk, key.overlapMs / 1_000],
  );
  if (row === undefined) throw new Error('the signing key is gone');
  return row.until;
}

/** Begins the use of a key, when the one before has been retired. */
export async function useKey(tx: Sql, kid: string): Promise<void> {
  await tx.query('update signing_key set signs_from = clock_timestamp() where kid = $1', [kid]);
}

/** Drops the rows of keys that ended long ago. */
export async function dropOldKeys(tx: Sql): Promise<void> {
  await tx.query(`delete from signing_key where trusted_until < now() - interval '${keptAfterEnd}'`);
}
