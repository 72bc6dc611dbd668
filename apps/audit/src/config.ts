import { z } from 'zod';
import { field } from '@fairlead/config';
import { defaultAllowedCidrs, isCidrList } from '@fairlead/outbound';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';

/** The settings of the audit service. */
export const configSchema = z.object({
  ...baseConfig,
  ...grpcConfig,
  ...databaseConfig,
  ...natsConfig,
  /** Where anchors of the audit chain are kept outside of the database; it is only ever added to. */
  AUDIT_ANCHOR_FILE: field.text().optional(),
  AUDIT_ANCHOR_EVERY_MS: field.durationMs().default(60_000),
  /** Who else gets each anchor, by POST. */
  AUDIT_ANCHOR_WEBHOOK_URL: field.url('http', 'https').optional(),
  /** What it takes them with, as a bearer token. */
  AUDIT_ANCHOR_WEBHOOK_TOKEN: field.text().optional(),
  /** Where it may be. */
  AUDIT_ANCHOR_WEBHOOK_CIDRS: field.text().refine(isCidrList, 'not a comma-separated list of CIDR blocks').default(defaultAllowedCidrs),
});

export type AuditConfig = z.output<typeof configSchema>;
