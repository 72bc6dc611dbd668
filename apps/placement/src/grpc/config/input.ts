import { z } from 'zod';
import { configDomains, configScopePattern, FairleadError, type ConfigIdentity } from '@fairlead/contracts';
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
