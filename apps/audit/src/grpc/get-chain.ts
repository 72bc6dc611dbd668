import { AnchorFault, parseAnchorLine, type Anchor, type AnchorVerifier } from '@fairlead/audit-chain';
import type { chainV1 } from '@fairlead/contracts';
import { readHead } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { Anchorer } from '../chain/anchorer.js';
import type { AnchorSource } from '../chain/anchor-source.js';
import { readChainState } from '../store/chain.js';
import { anchorMessage } from './chain.js';

export interface GetChainDeps {
  readonly sql: Sql;
  readonly source: AnchorSource;
  readonly verify: AnchorVerifier;
  readonly anchorer: Anchorer;
  /** Where anchors are kept outside of the database. */
  readonly kept: readonly string[];
}

/** Where chain and anchors stand. */
export const getChain = (deps: GetChainDeps): Rpc<chainV1.GetChainRequest, chainV1.GetChainResponse> =>
  rpc('audit.read', async () => {
    const [state, { incarnation }] = [await readChainState(deps.sql), await readHead(deps.sql)];
    const { anchor, fault } = await lastAnchor(deps);
    return {
      head: state.head,
      incarnation,
      position: state.chained,
      hash: state.hash.toString('hex'),
      lag: Math.max(0, state.head - state.chained),
      lagSeconds: state.lagSeconds,
      anchor: anchorMessage(anchor),
      unanchored: Math.max(0, state.head - (anchor?.incarnation === incarnation ? anchor.position : 0)),
      kept: [...deps.kept],
      stopped: deps.anchorer.stopped() ?? fault ?? '',
    };
  });

async function lastAnchor({ source, verify }: GetChainDeps): Promise<{ anchor?: Anchor; fault?: string }> {
  const text = await source.last();
  if (text === undefined) return {};
  try {
    return { anchor: await verify(parseAnchorLine(text).anchor) };
  } catch (error) {
    if (error instanceof AnchorFault) return { fault: error.message };
    throw error;
  }
}
