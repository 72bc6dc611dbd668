/** The gateway's operations on definitions of effects and sagas. */
import type { Body, Schema } from '@fairlead/api-client';
import type { Loose } from './http/answer.js';
import type { Caller, Filter, PageRequest } from './http/caller.js';

export type DefinitionVersion = Loose<Schema<'DefinitionVersion'>>;
export type DefinitionContent = Loose<Schema<'DefinitionVersionWithContent'>>;
export type DefinitionVerdict = Loose<Schema<'DefinitionVerdict'>>;
export type DefinitionDiff = Loose<Schema<'DefinitionDiff'>>;
export type DefinitionActivation = Loose<Schema<'DefinitionActivation'>>;

/** Binds these operations to a client. */
export function createDefinitionsApi({ one, list }: Caller) {
  return {
    definitions: (filter: Filter<'definitions.list'>, page: PageRequest) => list('definitions.list', filter, page),
    putDefinition: (body: Body<'definitions.put'>, key: string) =>
      one('definitions.put', { headers: { 'Idempotency-Key': key }, body }, ['name', 'version']),
    validateDefinition: (body: Body<'definitions.validate'>) => one('definitions.validate', { body }, ['valid']),
    /** The newest version when none is named. */
    definition: (name: string, version?: number) =>
      version === undefined
        ? one('definitions.get', { path: { name } }, ['version', 'content'])
        : one('definitions.version', { path: { name, version } }, ['version', 'content']),
    definitionVersions: (name: string, page: PageRequest) => list('definitions.versions', {}, page, { name }),
    definitionActivations: (name: string, page: PageRequest) => list('definitions.activations', {}, page, { name }),
    diffDefinition: (name: string, from: number, to: number) =>
      one('definitions.diff', { path: { name }, query: { from, to } }, ['changes']),
    retireDefinition: (name: string, version: number, reason: string) =>
      one('definitions.retire', { path: { name, version }, body: { reason } }, ['version']),
    restoreDefinition: (name: string, version: number, reason: string) =>
      one('definitions.restore', { path: { name, version }, body: { reason } }, ['version']),
  };
}
