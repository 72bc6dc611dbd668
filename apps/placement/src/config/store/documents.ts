import type { ConfigIdentity } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';

/** What stands of a document: in force, tried, and given out. */
export interface DocumentRow {
  /** In force; 0: the domain's defaults. */
  readonly revision: number;
  /** The highest number that was given out. */
  readonly newest: number;
  readonly candidateRevision: number | null;
  readonly candidateGateways: readonly string[];
  readonly highestFence: number;
}

export type RevisionState = 'effective' | 'staged' | 'superseded' | 'withdrawn';

/** A revision without its content. */
export interface RevisionRow extends ConfigIdentity {
  readonly revision: number;
  readonly sha256: string;
  readonly source: string;
  /** Null of the defaults. */
  readonly updatedAt: Date | null;
  readonly updatedBy: string;
  readonly reason: string;
  readonly state: RevisionState;
}

const key = ({ domain, scope, name }: ConfigIdentity) => [domain, scope, name];

const revisionColumns = `r.domain, r.scope, r.name, r.revision, r.sha256, r.source, r.updated_at as "updatedAt", r.updated_by as "updatedBy", r.reason,
  case when r.revision = d.revision then 'effective' when r.revision = d.candidate_revision then 'staged'
    when r.effective_at is not null then 'superseded' else 'withdrawn' end as state`;
const revisions = `config_revision r join config_document d using (domain, scope, name)`;

/** One document; undefined when nothing was ever written of it. */
export async function findDocument(sql: Sql, identity: ConfigIdentity): Promise<DocumentRow | undefined> {
  const [row] = await sql.query<DocumentRow>(
    `select revision, newest, candidate_revision as "candidateRevision", candidate_gateways as "candidateGateways", highest_fence as "highestFence"
     from config_document where (domain, scope, name) = ($1, $2, $3)`,
    key(identity),
  );
  return row;
}

/** What is in force of every document, a page in the order of domain, scope and name. */
export async function listDocuments(
  sql: Sql,
  page: { domain: string; limit: number; after: ConfigIdentity | undefined },
): Promise<RevisionRow[]> {
  const { domain, scope, name } = page.after ?? { domain: '', scope: '', name: '' };
  return sql.query<RevisionRow>(
    `select ${revisionColumns} from ${revisions}
     where r.revision = d.revision and ($1 = '' or r.domain = $1) and (r.domain, r.scope, r.name) > ($2, $3, $4)
     order by r.domain, r.scope, r.name limit $5`,
    [page.domain, domain, scope, name, page.limit],
  );
}

/** A document's revisions below a number, the newest first; 0: from the newest on. */
export async function listRevisions(sql: Sql, identity: ConfigIdentity, page: { limit: number; before: number }): Promise<RevisionRow[]> {
  return sql.query<RevisionRow>(
    `select ${revisionColumns} from ${revisions}
     where (r.domain, r.scope, r.name) = ($1, $2, $3) and ($4 = 0 or r.revision < $4) order by r.revision desc limit $5`,
    [...key(identity), page.before, page.limit],
  );
}

/** One revision with its content, canonical JSON. */
export async function findRevision(
  sql: Sql,
  identity: ConfigIdentity,
  revision: number,
): Promise<(RevisionRow & { content: string }) | undefined> {
  const [row] = await sql.query<RevisionRow & { content: string }>(
    `select ${revisionColumns}, c.content from ${revisions} join config_content c using (sha256)
     where (r.domain, r.scope, r.name, r.revision) = ($1, $2, $3, $4)`,
    [...key(identity), revision],
  );
  return row;
}

/** The contents that are in force or tried, of all documents; of those that nothing was applied of, none. */
export async function contentsInUse(sql: Sql): Promise<(ConfigIdentity & { readonly content: string })[]> {
  return sql.query<ConfigIdentity & { content: string }>(
    `select d.domain, d.scope, d.name, c.content from config_document d
     join config_revision r on (r.domain, r.scope, r.name) = (d.domain, d.scope, d.name) and r.revision in (d.revision, d.candidate_revision)
     join config_content c using (sha256) order by d.domain, d.scope, d.name, r.revision`,
  );
}

/** What KV is to hold of one document. */
export interface PublishedDocument extends ConfigIdentity {
  readonly revision: number;
  readonly sha256: string;
  readonly content: string;
  readonly candidateRevision: number | null;
  readonly candidateSha256: string | null;
  readonly candidateContent: string | null;
  readonly candidateGateways: readonly string[];
}

/** How it stands that something is to be published: the epoch, and a number that is another one after each change. */
export async function publishedState(sql: Sql): Promise<{ epoch: number; changes: number }> {
  const [row] = await sql.query<{ epoch: number; changes: number }>(
    `select m.epoch, c.count as changes from meta m cross join config_changes c`,
  );
  if (row === undefined) throw new Error('the rows of meta and config_changes are missing');
  return row;
}

/** The documents that changed after so many changes; all of them after -1. */
export async function documentsChangedAfter(sql: Sql, changes: number): Promise<ConfigIdentity[]> {
  return sql.query<ConfigIdentity>(
    `select domain, scope, name from config_document where changed > $1 order by changed, domain, scope, name`,
    [changes],
  );
}

/** What KV is to hold of some documents, as far as they have a revision in force or a candidate. */
export async function documentsToPublish(
  sql: Sql,
  identities: readonly ConfigIdentity[],
): Promise<{ epoch: number; documents: PublishedDocument[] }> {
  const [row] = await sql.query<{ epoch: number; documents: PublishedDocument[] }>(
    `select m.epoch, coalesce((
       select json_agg(json_build_object('domain', d.domain, 'scope', d.scope, 'name', d.name, 'revision', d.revision,
         'sha256', r.sha256, 'content', e.content, 'candidateRevision', d.candidate_revision, 'candidateSha256', s.sha256,
         'candidateContent', c.content, 'candidateGateways', d.candidate_gateways))
       from unnest($1::text[], $2::text[], $3::text[]) as asked (domain, scope, name)
       join config_document d using (domain, scope, name)
       left join config_revision r on (r.domain, r.scope, r.name, r.revision) = (d.domain, d.scope, d.name, d.revision)
       left join config_content e on e.sha256 = r.sha256
       left join config_revision s on (s.domain, s.scope, s.name, s.revision) = (d.domain, d.scope, d.name, d.candidate_revision)
       left join config_content c on c.sha256 = s.sha256), '[]') as documents
     from meta m`,
    [identities.map(({ domain }) => domain), identities.map(({ scope }) => scope), identities.map(({ name }) => name)],
  );
  if (row === undefined) throw new Error('the row of meta is missing');
  return row;
}
