/** Configuration documents, as people read them. */
import type { ConfigDocument, ConfigRevision, ConfigVerdict } from '../config-api.js';
import { table } from './table.js';

/** What is in force of each document. */
export function renderConfigs(documents: readonly ConfigRevision[]): string {
  return table(
    ['domain', 'scope', 'name', 'revision', 'sha256', 'from', 'applied', 'by'],
    documents.map(({ domain, scope, name, revision, sha256, source, updated_at, updated_by }) => [
      ...[domain, scope, name, revision, sha256?.slice(0, 12), source, updated_at, updated_by],
    ]),
  );
}

/** A document's revisions. */
export function renderConfigHistory(revisions: readonly ConfigRevision[]): string {
  return table(
    ['revision', 'state', 'sha256', 'from', 'written', 'by', 'reason'],
    revisions.map(({ revision, state, sha256, source, updated_at, updated_by, reason }) => [
      ...[revision, state, sha256?.slice(0, 12), source, updated_at, updated_by, reason],
    ]),
  );
}

/** The content alone, as a file that can be applied again. */
export function renderConfigContent({ content }: Pick<ConfigDocument, 'content'>): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** What is wrong with a document. */
export function renderConfigVerdict({ valid, errors }: ConfigVerdict): string {
  if (valid) return 'the document is right\n';
  return table(
    ['where', 'problem'],
    errors.map(({ pointer, detail }) => [pointer === '' ? 'the document' : pointer, detail]),
  );
}
