import type { ConfigIdentity } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import type { DocumentRow } from './documents.js';

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

/** Keeps a content by its hash; one that is there already stays. */
export async function keepContent(tx: Transaction, sha256: string, content: string): Promise<void> {
  await tx.query(`insert into config_content (sha256, content) values ($1, $2) on conflict do nothing`, [sha256, content]);
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
    `with marked as (update config_revision set effective_at = coalesce(effective_at, now()) where (domain, scope, name, revision) = ($1, $2, $3, $4))
     update config_document set revision = $4, candidate_revision = null, candidate_gateways = '{}' where (domain, scope, name) = ($1, $2, $3)`,
    [...key(identity), revision],
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
