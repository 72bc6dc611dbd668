import type { Sql } from '@fairlead/postgres';

/** Who somebody is at an issuer: their subject there, which is nobody else's, whatever their e-mail address is. */
export interface ExternalIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** The user of an external identity; undefined when nobody has signed in with it. */
export async function findExternalUser(sql: Sql, { issuer, subject }: ExternalIdentity): Promise<string | undefined> {
  const [row] = await sql.query<{ userId: string }>(
    'select user_id as "userId" from external_identity where issuer = $1 and subject = $2',
    [issuer, subject],
  );
  return row?.userId;
}

/** Binds a user to an external identity, for good. */
export async function insertExternalIdentity(tx: Sql, { issuer, subject }: ExternalIdentity, userId: string): Promise<void> {
  await tx.query('insert into external_identity (issuer, subject, user_id) values ($1, $2, $3)', [issuer, subject, userId]);
}
