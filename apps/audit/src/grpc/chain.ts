import type { Anchor } from '@fairlead/audit-chain';
import type { chainV1 } from '@fairlead/contracts';

/** An anchor on the wire. */
export function anchorMessage(anchor: Anchor | undefined): chainV1.ChainAnchor | undefined {
  if (anchor === undefined) return undefined;
  const { position, time, incarnation, kid } = anchor;
  return { position, time, incarnation, kid };
}
