import type { Sql } from '@fairlead/postgres';

/** A user's second factor. */
export interface Totp {
  readonly userId: string;
  /** What makes the codes, sealed for its user. */
  readonly sealedSecret: Buffer;
  /** Null until the first code has shown that the user's app has the secret; it asks for nothing until then. */
  readonly confirmedAt: Date | null;
}

/** The second factor of a user, also one that is not confirmed; undefined without one. */
export async function findTotp(sql: Sql, userId: string): Promise<Totp | undefined> {
  const [found] = await sql.query<Totp>(
    `select user_id as "userId", sealed_secret as "sealedSecret", confirmed_at as "confirmedAt" from totp where user_id = $1`,
    [userId],
  );
  return found;
}

/** Which of these users have an active second factor. */
export async function withTotp(sql: Sql, userIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ userId: string }>(
    'select user_id as "userId" from totp where user_id = any($1) and confirmed_at is not null',
    [userIds],
  );
  return new Set(rows.map(({ userId }) => userId));
}

/** Stores a secret that is yet to be confirmed, instead of another such; answers false when one is active already. */
export async function enrolTotp(tx: Sql, userId: string, sealedSecret: Buffer): Promise<boolean> {
  const rows = await tx.query(
    `insert into totp (user_id, sealed_secret) values ($1, $2)
     on conflict (user_id) do update set sealed_secret = $2, enrolled_at = now() where totp.confirmed_at is null
     returning user_id`,
    [userId, sealedSecret],
  );
  return rows.length === 1;
}

/** Makes the secret active that a first code belongs to, whose step is used up by it; answers false when it is not there any more, or active. */
export async function confirmTotp(tx: Sql, { userId, sealedSecret }: Totp, step: number): Promise<boolean> {
  const rows = await tx.query(
    `update totp set confirmed_at = now(), last_step = $3
     where user_id = $1 and sealed_secret = $2 and confirmed_at is null returning user_id`,
    [userId, sealedSecret, step],
  );
  return rows.length === 1;
}

/**
 * Uses up a time step, and with it all before; answers false when it was used up already, or the secret is not the active
 * one any more. Of two transactions with one code the second waits for the first, and then finds the step used.
 */
export async function useStep(tx: Sql, { userId, sealedSecret }: Totp, step: number): Promise<boolean> {
  const rows = await tx.query(
    `update totp set last_step = $3
     where user_id = $1 and sealed_secret = $2 and confirmed_at is not null and last_step < $3 returning user_id`,
    [userId, sealedSecret, step],
  );
  return rows.length === 1;
}

/** Uses up a recovery code; answers how many are left, undefined when it is none. Whatever changes codes takes turns by the row of the factor. */
export async function useRecoveryCode(tx: Sql, userId: string, codeHash: Buffer): Promise<number | undefined> {
  await tx.query('select 1 from totp where user_id = $1 for update', [userId]);
  const used = await tx.query('delete from recovery_code where user_id = $1 and code_hash = $2 returning user_id', [userId, codeHash]);
  if (used.length === 0) return undefined;
  const [left] = await tx.query<{ codes: number }>('select count(*) as codes from recovery_code where user_id = $1', [userId]);
  return left?.codes ?? 0;
}

/** Replaces all recovery codes of a user, in a transaction that has confirmed the factor or used a proof of it: it holds the row. */
export async function replaceRecoveryCodes(tx: Sql, userId: string, codeHashes: readonly Buffer[]): Promise<void> {
  await tx.query('delete from recovery_code where user_id = $1', [userId]);
  await tx.query('insert into recovery_code (user_id, code_hash) select $1, unnest($2::bytea[])', [userId, codeHashes]);
}

/** Takes a user's second factor and recovery codes away, also when it is not confirmed; answers false when there was none. */
export async function removeTotp(tx: Sql, userId: string): Promise<boolean> {
  return (await tx.query('delete from totp where user_id = $1 returning user_id', [userId])).length === 1;
}
