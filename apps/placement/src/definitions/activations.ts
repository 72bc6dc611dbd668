/** Who is given which version of a definition: what the documents of the domain runner-activation say. */
import { configPath, type ConfigIdentity } from '@fairlead/contracts';
import type { Sql, Transaction } from '@fairlead/postgres';
import type { Content } from '../config/domain/canonical.js';
import { configError } from '../config/domain/problems.js';
import type { KnownVersions } from '../config/domains/define.js';
import { domains } from '../config/domains/index.js';

/** One place of a document that names a definition. */
export interface Activation {
  /** Such as `runner-activation/platform/default`. */
  readonly document: string;
  /** Null: everybody for whom nothing else is said. */
  readonly tenantId: string | null;
  /** Null: it is off. */
  readonly version: number | null;
  /** Of the revision that is staged, and not in force. */
  readonly staged: boolean;
}

/** What documents say of a definition, in force and staged, in the order of tenants. */
export async function listActivations(sql: Sql, name: string): Promise<Activation[]> {
  const rows = await sql.query<ConfigIdentity & { content: string; staged: boolean }>(
    `select d.domain, d.scope, d.name, c.content, s.staged
     from config_document d
     cross join lateral (values (d.revision, false), (d.candidate_revision, true)) as s (revision, staged)
     join config_revision r on (r.domain, r.scope, r.name, r.revision) = (d.domain, d.scope, d.name, s.revision)
     join config_content c using (sha256)
     where d.domain = any($1)`,
    [Object.values(domains).flatMap((domain) => (domain.versionsOf === undefined ? [] : [domain.name]))],
  );
  return rows
    .flatMap(({ content, staged, ...identity }) => {
      const named = domains[identity.domain].versionsOf?.(JSON.parse(content) as Content) ?? [];
      return named
        .filter((one) => one.definition === name)
        .map(({ tenantId, version }) => ({ document: configPath(identity), tenantId, version, staged }));
    })
    .sort((one, other) => (activationKey(one) < activationKey(other) ? -1 : 1));
}

/** Tells an activation from all others of its definition, in the order that they are listed in. */
export function activationKey({ tenantId, document, staged }: Activation): string {
  return `${tenantId ?? ''}:${document}:${staged ? 'staged' : 'effective'}`;
}

/** Of some definitions all versions there are. */
export async function knownVersions(sql: Sql, names: readonly string[]): Promise<KnownVersions> {
  if (names.length === 0) return new Map();
  const rows = await sql.query<{ name: string; version: number; retired: boolean }>(
    `select name, version, retired_at is not null as retired from definition_version where name = any($1)`,
    [[...new Set(names)]],
  );
  const known = new Map<string, Map<number, { retired: boolean }>>();
  for (const { name, version, retired } of rows)
    known.set(name, (known.get(name) ?? new Map<number, { retired: boolean }>()).set(version, { retired }));
  return known;
}

/**
 * Keeps the versions that a content names from being retired until the transaction ends. Throws `config_invalid` for those that are retired
 * already, as whoever judged the content may have done it before.
 */
export async function holdVersions(tx: Transaction, identity: ConfigIdentity, content: Content): Promise<void> {
  const named = (domains[identity.domain].versionsOf?.(content) ?? []).filter(({ version }) => version !== null);
  if (named.length === 0) return;
  const rows = await tx.query<{ name: string; version: number }>(
    `select name, version from definition_version
     where (name, version) in (select * from unnest($1::text[], $2::bigint[])) and retired_at is null
     order by name, version for share`,
    [named.map(({ definition }) => definition), named.map(({ version }) => version)],
  );
  const usable = new Set(rows.map(({ name, version }) => `${name}@${String(version)}`));
  const problems = named
    .filter(({ definition, version }) => !usable.has(`${definition}@${String(version)}`))
    .map(({ pointer, definition, version }) => ({ pointer, detail: `version ${String(version)} of ${definition} is retired` }));
  if (problems.length > 0) throw configError('config_invalid', problems);
}
