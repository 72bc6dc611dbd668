import { Gauge } from 'prom-client';
import type { Sql } from '@fairlead/postgres';
import type { Registry } from '@fairlead/telemetry';
import { readChainState } from '../store/chain.js';
import type { Anchorer } from './anchorer.js';
import type { AnchorSource } from './anchor-source.js';
import { readAnchor, parseAnchorLine } from '@fairlead/audit-chain';

/** Reports where chain and anchors stand, as of the scrape. */
export function reportChain({
  sql,
  source,
  anchorer,
  registry,
}: {
  sql: Sql;
  source: AnchorSource;
  anchorer: Anchorer;
  registry: Registry;
}): void {
  const registers = [registry];
  const position = new Gauge({ name: 'fairlead_audit_chain_position', help: 'How far the hash chain over the log has come.', registers });
  const lag = new Gauge({ name: 'fairlead_audit_chain_lag', help: 'Events that are not in the hash chain yet.', registers });
  const anchored = new Gauge({ name: 'fairlead_audit_anchor_position', help: 'Of the last anchor.', registers });
  const age = new Gauge({
    name: 'fairlead_audit_anchor_age_seconds',
    help: 'Since the last anchor was made; it is made when the log has grown.',
    registers,
  });
  const stopped = new Gauge({
    name: 'fairlead_audit_anchor_stopped',
    help: '1 while no anchors can be made; the log says why.',
    registers,
  });
  new Gauge({
    name: 'fairlead_audit_chain_lag_seconds',
    help: 'Age of the oldest event that is not in the hash chain yet.',
    registers,
    async collect() {
      stopped.set(anchorer.stopped() === undefined ? 0 : 1);
      const state = await readChainState(sql);
      position.set(state.chained);
      lag.set(Math.max(0, state.head - state.chained));
      this.set(state.lagSeconds);
      const line = await source.last();
      if (line === undefined) return;
      const anchor = readAnchor(parseAnchorLine(line).anchor);
      anchored.set(anchor.position);
      age.set(Math.max(0, (Date.now() - Date.parse(anchor.time)) / 1_000));
    },
  });
}
