/** The audit chain as the service runs it: chainer, anchorer, the receiver of anchors, and what reads all of that. */
import { createAnchorSigner, createAnchorVerifier, type AnchorVerifier } from '@fairlead/audit-chain';
import { parseJwks, parsePrivateJwk } from '@fairlead/auth';
import { createOutbound } from '@fairlead/outbound';
import type { ServiceResources } from '@fairlead/service-runtime';
import type { AuditConfig } from '../config.js';
import { anchorFile } from './anchor-file.js';
import { tableAnchors, type AnchorSource } from './anchor-source.js';
import { startAnchorer, type Anchorer } from './anchorer.js';
import { reportChain } from './chain-metrics.js';
import { startChainer } from './chainer.js';
import { startWebhook } from './webhook.js';

export interface AuditChain {
  readonly source: AnchorSource;
  readonly verify: AnchorVerifier;
  readonly anchorer: Anchorer;
  readonly everyMs: number;
  /** Where anchors are kept outside of the database. */
  readonly kept: readonly string[];
  /** Takes what is there in, anchors it, and ends. */
  stop(): Promise<void>;
}

/** Starts all of it. */
export async function startChain(
  { database: sql, messaging, logger, registry }: ServiceResources,
  config: AuditConfig,
): Promise<AuditChain> {
  const { AUDIT_ANCHOR_FILE: path, AUDIT_ANCHOR_WEBHOOK_URL: url, AUDIT_ANCHOR_EVERY_MS: everyMs } = config;
  const file = path === undefined ? undefined : anchorFile(path);
  const sign = await createAnchorSigner(parsePrivateJwk(config.SERVICE_KEY));
  const verify = createAnchorVerifier(parseJwks(config.TRUST_JWKS));
  const source = file ?? tableAnchors(sql);
  const chainer = startChainer({ sql, messaging, logger });
  const anchorer = startAnchorer({ sql, logger, sign, verify, file, toPost: url !== undefined, everyMs });
  const outbound = createOutbound({ allowedCidrs: config.AUDIT_ANCHOR_WEBHOOK_CIDRS });
  const stopWebhook =
    url === undefined ? undefined : startWebhook({ sql, outbound, url, token: config.AUDIT_ANCHOR_WEBHOOK_TOKEN, logger });
  reportChain({ sql, source, anchorer, toPost: url !== undefined, registry, logger });
  return {
    source,
    verify,
    anchorer,
    everyMs,
    kept: [...(file === undefined ? [] : ['file']), ...(url === undefined ? [] : ['webhook'])],
    stop: async () => {
      await chainer.stop();
      await anchorer.stop();
      await stopWebhook?.();
      await outbound.close();
    },
  };
}
