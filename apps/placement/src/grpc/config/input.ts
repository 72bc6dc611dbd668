import { z } from 'zod';
import { configDomains, configScopePattern, FairleadError, type ConfigIdentity } from '@fairlead/contracts';
import { configError } from '../../config/domain/problems.js';
import { nameInput } from '../input.js';

const domainInput = z.enum(configDomains, `one of ${configDomains.join(', ')}`);
export const domainOrAll = domainInput.or(z.literal(''));
export const identityInput = z.object({
  domain: domainInput,
  name: nameInput,
  scope: z.string().regex(configScopePattern, 'platform, or tenants/ and a tenant'),
}) satisfies z.ZodType<ConfigIdentity>;

const maxLimit = 1_000;
const defaultLimit = 100;

/** How many; 0 means 100. */
export const limitInput = z
  .number()
  .int()
  .min(0, 'not negative')
  .max(maxLimit, `at most ${String(maxLimit)}`)
  .transform((limit) => (limit === 0 ? defaultLimit : limit));

/** What a document or revision that is not there is answered with. */
export function noSuchRevision({ domain, scope, name }: ConfigIdentity, revision: number): FairleadError {
  return new FairleadError('config_not_found', `There is no revision ${String(revision)} of ${domain}/${scope}/${name}`, {
    details: { domain, scope, name, revision },
  });
}

export const sha256Input = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex');
export const keyInput = z.string().min(1, 'an idempotency key is expected').max(255, 'at most 255 characters');
export const fenceInput = z.number().int().positive('a fence above 0 is expected');
export const reasonInput = z.string().trim().min(1, 'a reason is expected').max(1_000, 'at most 1000 characters');

/** What a content that is not kept (any more) is answered with. */
export function goneContent(sha256: string): FairleadError {
  return configError('config_source', [{ pointer: '', detail: `the content ${sha256} is not kept any more; plan again` }]);
}
