/** What a job that changes a configuration document is given, and what it is planned from. */
import { z } from 'zod';
import { configDomains, configScopePattern, namePattern, type configV1, type fleetV1 } from '@fairlead/contracts';

const change = {
  domain: z.enum(configDomains),
  name: z.string().regex(namePattern, 'not the name of a document'),
  scope: z.string().regex(configScopePattern, 'platform, or tenants/ and a tenant'),
  /** Of the content, which placement keeps. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'),
  /** What has to be in force when it is planned. */
  expected_revision: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
};
export const applyParams = z.strictObject(change);
export const rollbackParams = z.strictObject({
  ...change,
  /** Whose content it is; 0: the domain's defaults. */
  revision: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});
/** What is put in force; with a revision when it was so before. */
export type ConfigParams = z.output<typeof applyParams> & { revision?: number | undefined };

/** What the change of a document is planned from. */
export interface ConfigInputs {
  readonly planned: configV1.PlanConfigResponse;
  readonly gateways: readonly fleetV1.GatewayConfig[];
  /** Of a rollback: the revision whose content comes back. */
  readonly restored?: configV1.ConfigRevision | undefined;
  /** The one that came after it, if any. */
  readonly afterRestored?: configV1.ConfigRevision | undefined;
  readonly openJobId: string | undefined;
}
