import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { verifyChain as verify, type VerifyChainDeps } from '../chain/verify-chain.js';
import { anchorMessage } from './chain.js';
import { parseInput } from './input.js';

const requestSchema = z.object({ cursor: z.string().max(500, 'is too long') });

/** Checks a bounded part of the log against anchors and chain; the caller goes on with the cursor. */
export const verifyChain = (deps: VerifyChainDeps): Rpc<chainV1.VerifyChainRequest, chainV1.VerifyChainResponse> =>
  rpc('audit.read', async (request) => {
    const checked = await verify(deps, parseInput(requestSchema, request).cursor);
    return {
      cursor: checked.cursor ?? '',
      position: checked.position,
      head: checked.head,
      broken: checked.broken,
      anchor: anchorMessage(checked.anchor),
      unanchored: checked.unanchored,
      unanchoredSince: checked.unanchoredSince ?? '',
      source: checked.source,
      restored: checked.restored.map(({ incarnation, after, lost }) => ({
        incarnation,
        after,
        lostUntil: lost?.position ?? 0,
        lostTime: lost?.time ?? '',
      })),
      sealedUntil: checked.sealedUntil,
      segments: checked.segments,
    };
  });
