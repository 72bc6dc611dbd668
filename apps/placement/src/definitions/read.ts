import { FairleadError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { sha256Of } from '../config/domain/canonical.js';
import { configError } from '../config/domain/problems.js';
import { findContent, findVersion, type VersionWithContent } from './store/definitions.js';

/** One version with its content, the newest for 0. Throws `definition_not_found`, and `config_source` when what is kept is not what was written. */
export async function readVersion(sql: Sql, name: string, version: number): Promise<VersionWithContent> {
  const found = await findVersion(sql, name, version);
  if (found === undefined) throw noSuchVersion(name, version);
  return checked(found);
}

/** The version that has a content, by its hash. Throws as `readVersion`. */
export async function readContent(sql: Sql, sha256: string): Promise<VersionWithContent> {
  const found = await findContent(sql, sha256);
  if (found === undefined)
    throw new FairleadError('definition_not_found', `There is no definition with the hash ${sha256}`, { details: { sha256 } });
  return checked(found);
}

/** What a definition or version that is not there is answered with. */
export function noSuchVersion(name: string, version: number): FairleadError {
  const what = version === 0 ? `definition ${name}` : `version ${String(version)} of the definition ${name}`;
  return new FairleadError('definition_not_found', `There is no ${what}`, { details: { name, version } });
}

function checked(found: VersionWithContent): VersionWithContent {
  if (sha256Of(found.content) === found.sha256) return found;
  throw configError('config_source', [
    { pointer: '', detail: `the content that is kept of version ${String(found.version)} of ${found.name} is not what was written` },
  ]);
}
