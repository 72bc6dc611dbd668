import { Gauge } from 'prom-client';
import { parseAnchorLine, readAnchor, type Anchor } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';
import type { Registry } from '@fairlead/telemetry';
import { readChainState, type ChainState } from '../store/chain.js';
import type { Anchorer } from './anchorer.js';
import type { AnchorSource } from './anchor-source.js';

export interface ChainMetricsOptions {
  readonly sql: Sql;
  readonly source: AnchorSource;
  readonly anchorer: Anchorer;
  readonly registry: Registry;
}

interface Look {
  readonly state: ChainState;
  readonly anchor: Anchor | undefined;
}

/** Reports where chain and anchors stand, as of the scrape. Without an anchor its gauges are no number. */
export function reportChain({ sql, source, anchorer, registry }: ChainMetricsOptions): void {
  let looking: Promise<Look> | undefined;
  /** One look for all that are scraped together. */
  const look = () => (looking ??= lookAt(sql, source).finally(() => (looking = undefined)));
  const gauge = (name: string, help: string, valueOf: (look: Look) => number | undefined) =>
    new Gauge({
      name: `fairlead_audit_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(valueOf(await look()) ?? NaN);
      },
    });
  gauge('chain_position', 'How far the hash chain over the log has come.', ({ state }) => state.chained);
  gauge('chain_lag', 'Events that are not in the hash chain yet.', ({ state }) => Math.max(0, state.head - state.chained));
  gauge('chain_lag_seconds', 'Age of the oldest event that is not in the hash chain yet.', ({ state }) => state.lagSeconds);
  gauge('anchor_position', 'Of the last anchor.', ({ anchor }) => anchor?.position);
  gauge('anchor_age_seconds', 'Since the last anchor was made; one is made when the log has grown.', ({ anchor }) =>
    anchor === undefined ? undefined : Math.max(0, (Date.now() - Date.parse(anchor.time)) / 1_000),
  );
  gauge('anchor_stopped', '1 while no anchors can be made; the log says why.', () => (anchorer.stopped() === undefined ? 0 : 1));
}

async function lookAt(sql: Sql, source: AnchorSource): Promise<Look> {
  const [state, line] = [await readChainState(sql), await source.last()];
  return { state, anchor: line === undefined ? undefined : readAnchor(parseAnchorLine(line).anchor) };
}
