import { Gauge } from 'prom-client';
import { parseAnchorLine, readAnchor, type Anchor } from '@fairlead/audit-chain';
import { describeError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { unpostedSeconds } from '../store/anchors.js';
import { readChainState, type ChainState } from '../store/chain.js';
import type { Anchorer } from './anchorer.js';
import type { AnchorSource } from './anchor-source.js';

export interface ChainMetricsOptions {
  readonly sql: Sql;
  readonly source: AnchorSource;
  readonly anchorer: Anchorer;
  /** Anchors are posted somewhere, too. */
  readonly toPost: boolean;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** What could not be looked at is undefined. */
interface Look {
  readonly state: ChainState | undefined;
  readonly anchor: Anchor | undefined;
  readonly unposted: number | undefined;
}

/**
 * Reports where chain and anchors stand, as of the scrape. What can't be looked at, and what there is not, is no number:
 * a scrape that failed for it would take all other metrics along.
 */
export function reportChain({ sql, source, anchorer, toPost, registry, logger }: ChainMetricsOptions): void {
  let looking: Promise<Look> | undefined;
  /** One look for all that are scraped together. */
  const look = () => (looking ??= lookAt({ sql, source, toPost, logger }).finally(() => (looking = undefined)));
  const gauge = (name: string, help: string, valueOf: (look: Look) => number | undefined) =>
    new Gauge({
      name: `fairlead_audit_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(valueOf(await look()) ?? NaN);
      },
    });
  gauge('chain_position', 'How far the hash chain over the log has come.', ({ state }) => state?.chained);
  gauge('chain_lag', 'Events that are not in the hash chain yet.', ({ state }) =>
    state === undefined ? undefined : Math.max(0, state.head - state.chained),
  );
  gauge('chain_lag_seconds', 'Age of the oldest event that is not in the hash chain yet.', ({ state }) => state?.lagSeconds);
  gauge('anchor_position', 'Of the last anchor.', ({ anchor }) => anchor?.position);
  gauge('anchor_age_seconds', 'Since the last anchor was made; one is made when the log has grown.', ({ anchor }) =>
    anchor === undefined ? undefined : Math.max(0, (Date.now() - Date.parse(anchor.time)) / 1_000),
  );
  if (toPost) gauge('anchor_unposted_seconds', 'Age of the oldest anchor that its receiver has not taken yet.', ({ unposted }) => unposted);
  new Gauge({
    name: 'fairlead_audit_anchor_stopped',
    help: '1 while no anchors can be made; the log says why.',
    registers: [registry],
    collect() {
      this.set(anchorer.stopped() === undefined ? 0 : 1);
    },
  });
}

async function lookAt({ sql, source, toPost, logger }: Omit<ChainMetricsOptions, 'anchorer' | 'registry'>): Promise<Look> {
  const failed = (error: unknown) => {
    logger.debug({ reason: describeError(error) }, 'a metric of the audit chain could not be looked at');
    return undefined;
  };
  const [state, anchor, unposted] = await Promise.all([
    readChainState(sql).catch(failed),
    lastAnchor(source).catch(failed),
    toPost ? unpostedSeconds(sql).catch(failed) : undefined,
  ]);
  return { state, anchor, unposted };
}

async function lastAnchor(source: AnchorSource): Promise<Anchor | undefined> {
  const line = await source.last();
  return line === undefined ? undefined : readAnchor(parseAnchorLine(line).anchor);
}
