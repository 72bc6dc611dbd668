import type { ConfigIdentity } from '@fairlead/contracts';
import type { Sql, Transaction } from '@fairlead/postgres';
import type { DocumentRow } from './documents.js';

/** Who changes what is published says so last: the next one who does waits for it to commit. */
const counted = `counted as (update config_changes set count = count + 1 returning count)`;
const isChanged = `changed = (select count from counted)`;
const key = ({ domain, scope, name }: ConfigIdentity) => [domain, scope, name];

/** Takes a document's lock, until the transaction ends, and answers how it stands; it is made when there is none. */
export async function lockDocument(tx: Transaction, identity: ConfigIdentity): Promise<DocumentRow> {
  await tx.query(`insert into config_document (domain, scope, name) values ($1, $2, $3) on conflict do nothing`, key(identity));
  const [row] = await tx.query<DocumentRow>(
    `select revision, newest, candidate_revision as "candidateRevision", candidate_gateways as "candidateGateways", highest_fence as "highestFence"
     from config_document where (domain, scope, name) = ($1, $2, $3) for update`,
    key(identity),
  );
  if (row === undefined) throw new Error('a document that was made is there');
  return row;
}

/** Keeps a content by its hash; one that is there already stays, for as long as one that is new. */
export async function keepContent(tx: Transaction, sha256: string, content: string): Promise<void> {
  await tx.query(`insert into config_content (sha256, content) values ($1, $2) on conflict (sha256) do update set created_at = now()`, [
    sha256,
    content,
  ]);
}

export interface NewRevision {
  readonly revision: number;
  readonly sha256: string;
  readonly source: string;
  readonly updatedBy: string;
  readonly reason: string;
}

/** Writes a revision that is not in force yet, as the document's newest; its content must be kept. */
export async function writeRevision(tx: Transaction, identity: ConfigIdentity, row: NewRevision): Promise<void> {
  await tx.query(
    `with given as (update config_document set newest = $4 where (domain, scope, name) = ($1, $2, $3))
     insert into config_revision (domain, scope, name, revision, sha256, source, updated_by, reason) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...key(identity), row.revision, row.sha256, row.source, row.updatedBy, row.reason],
  );
}

/** Puts a revision in force, and ends the trial of whatever was tried. */
export async function putInForce(tx: Transaction, identity: ConfigIdentity, revision: number): Promise<void> {
  await tx.query(
    `with marked as (update config_revision set effective_at = coalesce(effective_at, now()) where (domain, scope, name, revision) = ($1, $2, $3, $4)),
       ${counted}
     update config_document set revision = $4, candidate_revision = null, candidate_gateways = '{}', ${isChanged} where (domain, scope, name) = ($1, $2, $3)`,
    [...key(identity), revision],
  );
}

/** Has a sample of gateways try a revision. */
export async function stage(tx: Transaction, identity: ConfigIdentity, revision: number, gateways: readonly string[]): Promise<void> {
  await tx.query(
    `with ${counted} update config_document set candidate_revision = $4, candidate_gateways = $5, ${isChanged} where (domain, scope, name) = ($1, $2, $3)`,
    [...key(identity), revision, gateways],
  );
}

/** Ends the trial of what is staged. */
export async function withdraw(tx: Transaction, identity: ConfigIdentity): Promise<void> {
  await tx.query(
    `with ${counted}
     update config_document set candidate_revision = null, candidate_gateways = '{}', ${isChanged} where (domain, scope, name) = ($1, $2, $3)`,
    key(identity),
  );
}

/** Remembers a fence as the document's highest. */
export async function raiseFence(tx: Transaction, identity: ConfigIdentity, fence: number): Promise<void> {
  await tx.query(`update config_document set highest_fence = greatest(highest_fence, $4) where (domain, scope, name) = ($1, $2, $3)`, [
    ...key(identity),
    fence,
  ]);
}

/** What a key staged; undefined when it staged nothing. */
export async function findChange(
  tx: Transaction,
  idempotencyKey: string,
): Promise<{ requestDigest: string; revision: number } | undefined> {
  const [row] = await tx.query<{ requestDigest: string; revision: number }>(
    `select request_digest as "requestDigest", revision from config_change where idempotency_key = $1`,
    [idempotencyKey],
  );
  return row;
}

/** Remembers what a key staged. */
export async function recordChange(tx: Transaction, idempotencyKey: string, requestDigest: string, revision: number): Promise<void> {
  await tx.query(`insert into config_change (idempotency_key, request_digest, revision) values ($1, $2, $3)`, [
    ...[idempotencyKey, requestDigest, revision],
  ]);
}

/** The content kept by a hash, or undefined. */
export async function findContent(sql: Sql, sha256: string): Promise<string | undefined> {
  const [row] = await sql.query<{ content: string }>(`select content from config_content where sha256 = $1`, [sha256]);
  return row?.content;
}

/** Removes contents that were prepared and that nothing came to refer to in a week. */
export async function forgetContents(tx: Transaction): Promise<void> {
  await tx.query(
    `delete from config_content c where created_at < now() - interval '7 days'
     and not exists (select from config_revision r where r.sha256 = c.sha256)`,
  );
}

/** The hash of what a file gave last, or undefined. */
export async function lastOfSource(tx: Transaction, identity: ConfigIdentity, source: string): Promise<string | undefined> {
  const [row] = await tx.query<{ sha256: string }>(
    `select sha256 from config_revision where (domain, scope, name) = ($1, $2, $3) and source = $4 order by revision desc limit 1`,
    [...key(identity), source],
  );
  return row?.sha256;
}
