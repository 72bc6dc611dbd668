import type { Sql } from '@fairlead/postgres';
import { canonicalForm, sha256Of } from '../config/domain/canonical.js';
import { decode, type ConfigFormat } from '../config/domain/decode.js';
import { configError, maxProblems, problemsOfSchema } from '../config/domain/problems.js';
import { problemsOfDefinition } from './domain/check.js';
import { definitionSchema, type Definition } from './domain/definition.js';
import { findKind } from './store/definitions.js';

/** A definition that may be kept, in its canonical form. */
export interface ValidDefinition {
  readonly definition: Definition;
  readonly content: string;
  readonly sha256: string;
}

/** Reads a text as a definition. Throws `config_decode` and `config_invalid`, each with all that is wrong. */
export function readDefinition(text: string, format: ConfigFormat): ValidDefinition {
  const parsed = definitionSchema.safeParse(decode(text, format));
  if (!parsed.success) throw configError('config_invalid', problemsOfSchema(parsed.error));
  const definition = parsed.data;
  const problems = problemsOfDefinition(definition);
  if (problems.length > 0) throw configError('config_invalid', problems.slice(0, maxProblems));
  const content = canonicalForm(definition);
  return { definition, content, sha256: sha256Of(content) };
}

/** Refuses, as `config_invalid`, a definition of another kind than the versions that its name has. */
export async function checkKind(sql: Sql, { name, kind }: Definition): Promise<void> {
  const present = await findKind(sql, name);
  if (present === undefined || present === kind) return;
  throw configError('config_invalid', [{ pointer: '/kind', detail: `must be ${present}, as ${name} has been so far` }]);
}
