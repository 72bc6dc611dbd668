/** Sealing as the service runs it: the sealer, its metrics, and what reads all of that. */
import { createManifestVerifier, createSegmentSigner, type ManifestVerifier } from '@fairlead/audit-chain';
import { parseJwks, parsePrivateJwk } from '@fairlead/auth';
import type { ServiceResources } from '@fairlead/service-runtime';
import type { AuditChain } from '../chain/chain.js';
import type { AuditConfig } from '../config.js';
import { reportSealing } from './seal-metrics.js';
import { startSealer, type Sealer } from './sealer.js';

/** What is set up where segments are kept. */
export interface Segments {
  readonly folder: string;
  readonly verifyManifest: ManifestVerifier;
  readonly sealer: Sealer;
  readonly retentionDays: number | undefined;
  readonly segmentEvents: number;
}

/** Starts to seal where a folder is set; undefined where none is. */
export async function startSegments(
  { database: sql, messaging, logger, registry }: ServiceResources,
  config: AuditConfig,
  chain: AuditChain,
): Promise<Segments | undefined> {
  reportSealing({ sql, registry, logger });
  const { AUDIT_SEGMENT_FOLDER: folder, AUDIT_RETENTION_DAYS: retentionDays, AUDIT_SEGMENT_EVENTS: segmentEvents } = config;
  if (folder === undefined) return undefined;
  const sign = await createSegmentSigner(parsePrivateJwk(config.SERVICE_KEY));
  const verifyManifest = createManifestVerifier(parseJwks(config.TRUST_JWKS));
  const { source, verify, anchorer } = chain;
  const anchorsStopped = () => anchorer.stopped();
  const seal = { sql, messaging, logger, folder, source, verify, verifyManifest, sign, anchorsStopped, segmentEvents, retentionDays };
  const sealer = startSealer({ ...seal, everyMs: config.AUDIT_SEAL_EVERY_MS });
  return { folder, verifyManifest, sealer, retentionDays, segmentEvents };
}
