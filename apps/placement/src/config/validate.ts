import { describeError, FairleadError, tenantOfConfig, type ConfigIdentity } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { EndpointPolicy } from '../tenants/endpoint-policy.js';
import { knownVersions } from '../definitions/activations.js';
import { canonicalForm, sha256Of, type Content } from './domain/canonical.js';
import { decode, type ConfigFormat } from './domain/decode.js';
import { configError, maxProblems, problemsOfSchema, type Problem } from './domain/problems.js';
import type { World } from './domains/define.js';
import { domains } from './domains/index.js';
import { readWorld } from './store/world.js';

/** A document that may be applied, in its canonical form. */
export interface ValidDocument {
  readonly document: Content;
  readonly content: string;
  readonly sha256: string;
}

export interface ValidateDeps {
  readonly database: Sql;
  readonly endpoints: EndpointPolicy;
}

/** Reads a text as the content of a document. Throws `config_decode` and `config_invalid`, each with all that is wrong. */
export async function validateText(
  deps: ValidateDeps,
  identity: ConfigIdentity,
  text: string,
  format: ConfigFormat,
): Promise<ValidDocument> {
  return validateContent(deps, identity, decode(text, format));
}

/** Holds a content against its domain and the world. Throws `config_invalid` with all that is wrong. */
export async function validateContent(deps: ValidateDeps, identity: ConfigIdentity, given: Content): Promise<ValidDocument> {
  const domain = domains[identity.domain];
  const parsed = domain.schema.safeParse(given);
  if (!parsed.success) throw configError('config_invalid', problemsOfSchema(parsed.error));
  const document = parsed.data;
  const world = await worldOf(deps, identity, [document]);
  const problems = [...problemsOfScope(identity, world), ...domain.problems(document, world, identity)];
  if (problems.length > 0) throw configError('config_invalid', problems.slice(0, maxProblems));
  const content = canonicalForm(document);
  return { document, content, sha256: sha256Of(content) };
}

/** What documents are held against. */
export async function worldOf(deps: ValidateDeps, identity: ConfigIdentity, documents: readonly Content[]): Promise<World> {
  const own = tenantOfConfig(identity);
  const named = documents.flatMap((document) => domains[identity.domain].tenantsOf(document));
  const seen = await readWorld(deps.database, own === undefined ? named : [...named, own]);
  const versions = documents.flatMap((document) => domains[identity.domain].versionsOf?.(document) ?? []);
  const definitions = await knownVersions(
    deps.database,
    versions.map(({ definition }) => definition),
  );
  return { ...seen, definitions, endpointProblem: (url) => endpointProblem(deps.endpoints, url) };
}

function endpointProblem(endpoints: EndpointPolicy, url: string): string | undefined {
  try {
    endpoints.check(url);
    return undefined;
  } catch (error) {
    if (error instanceof FairleadError) return describeError(error);
    throw error;
  }
}

function problemsOfScope(identity: ConfigIdentity, world: World): Problem[] {
  const tenant = tenantOfConfig(identity);
  if (tenant === undefined) return [];
  if (!domains[identity.domain].tenantScopes)
    return [{ pointer: '', detail: `documents of ${identity.domain} are for the whole platform` }];
  return world.tenants.has(tenant) ? [] : [{ pointer: '', detail: `there is no tenant ${tenant}` }];
}
