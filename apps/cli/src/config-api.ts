/** The gateway's operations on configuration documents. Their changes are jobs, as all others. */
import type { Body, Query, Schema } from '@fairlead/api-client';
import type { Having, Loose } from './http/answer.js';
import type { Caller, Filter, PageRequest } from './http/caller.js';

export type ConfigRevision = Loose<Schema<'ConfigRevision'>>;
export type ConfigDocument = Having<Schema<'ConfigDocument'>, 'content'>;
export type ConfigVerdict = Having<Schema<'ConfigVerdict'>, 'valid' | 'errors'>;
/** What the gateway does not know it refuses. */
export type ConfigDomain = Body<'plans.configApply'>['domain'];
/** Which document of a domain. */
export type DocumentQuery = Query<'config.get'>;

/** Binds these operations to a client. */
export function createConfigApi({ one, list }: Caller) {
  return {
    configs: (filter: Filter<'config.list'>, page: PageRequest) => list('config.list', filter, page),
    config: (domain: ConfigDomain, query: DocumentQuery) => one('config.get', { path: { domain }, query }, ['content']),
    configHistory: (domain: ConfigDomain, query: DocumentQuery, page: PageRequest) => list('config.history', query, page, { domain }),
    configRevision: (domain: ConfigDomain, revision: number, query: DocumentQuery) =>
      one('config.revision', { path: { domain, revision }, query }, ['content']),
    configDiff: (domain: ConfigDomain, query: Query<'config.diff'>) => one('config.diff', { path: { domain }, query }, ['changes']),
    validateConfig: (body: Body<'configValidate.validate'>) => one('configValidate.validate', { body }, ['valid', 'errors']),
  };
}
