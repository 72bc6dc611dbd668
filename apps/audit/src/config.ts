import { z } from 'zod';
import { maxSegmentEvents } from '@fairlead/audit-chain';
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
  /** Where sealed segments of the trail are kept; the folder has to be there. Without it nothing is sealed. */
  AUDIT_SEGMENT_FOLDER: field.text().optional(),
  /** How many days records stay in the trail before they are sealed; for ever when left out. */
  AUDIT_RETENTION_DAYS: field.integer({ min: 1, max: 36_500 }).optional(),
  /** How many events a segment has. */
  AUDIT_SEGMENT_EVENTS: field.integer({ min: 1, max: maxSegmentEvents }).default(20_000),
  AUDIT_SEAL_EVERY_MS: field.durationMs().default(60_000),
});

export type AuditConfig = z.output<typeof configSchema>;
