import { type ConfigIdentity } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { canonicalForm, sha256Of } from './domain/canonical.js';
import { configError } from './domain/problems.js';
import { domains } from './domains/index.js';
import { findDocument, findRevision, type RevisionRow } from './store/documents.js';

/** A revision with its content, canonical JSON. */
export interface ReadRevision {
  readonly row: RevisionRow;
  readonly content: string;
}

/** What is in force of a document, and the revision that is tried; 0 when there is none. */
export async function readEffective(sql: Sql, identity: ConfigIdentity): Promise<ReadRevision & { candidateRevision: number }> {
  const document = await findDocument(sql, identity);
  const found = await readRevision(sql, identity, document?.revision ?? 0);
  if (found === undefined) throw new Error('the revision in force is there');
  return { ...found, candidateRevision: document?.candidateRevision ?? 0 };
}

/** One revision, the domain's defaults for 0; undefined when there is none. Throws `config_source` when what is kept of it is not what was written. */
export async function readRevision(sql: Sql, identity: ConfigIdentity, revision: number): Promise<ReadRevision | undefined> {
  if (revision === 0) return defaultsOf(identity);
  const found = await findRevision(sql, identity, revision);
  if (found === undefined) return undefined;
  const { content, ...row } = found;
  if (sha256Of(content) !== row.sha256)
    throw configError('config_source', [
      { pointer: '', detail: `the content that is kept of revision ${String(revision)} is not what was written` },
    ]);
  return { row, content };
}

/** What is in force of a document that nothing was ever applied of. */
export function defaultsOf(identity: ConfigIdentity): ReadRevision {
  const content = canonicalForm(domains[identity.domain].defaults);
  const { domain, name, scope } = identity;
  return {
    row: {
      ...{ domain, name, scope, revision: 0, sha256: sha256Of(content) },
      ...{ source: 'default', updatedAt: null, updatedBy: '', reason: '', state: 'effective' },
    },
    content,
  };
}
