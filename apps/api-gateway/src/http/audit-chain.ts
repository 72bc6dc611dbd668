import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, time } from '../edge/answers.js';
import { asCaller, chainClient, orNull, type ChainClient } from '../edge/clients.js';

/** An anchor of the chain. */
export const anchorSchema = z.object({ position: z.int(), time, incarnation: z.string(), kid: z.string() }).meta({ id: 'ChainAnchor' });
const chainSchema = z
  .object({
    head: z.int(),
    incarnation: z.string(),
    position: z.int(),
    hash: z.string(),
    lag: z.int(),
    lag_seconds: z.number(),
    anchor: anchorSchema.nullable(),
    unanchored: z.int(),
    /** Where anchors are kept. */
    kept: z.array(z.string()),
    stopped: z.string().nullable(),
  })
  .meta({ id: 'Chain' });

/** The hash chain over the event log, and what was anchored of it. */
@Controller('admin/v1/audit/chain')
export class AuditChainController {
  constructor(@Inject(chainClient) private readonly chain: ChainClient) {}

  /** Where chain and anchors stand. It tells what is claimed; `POST /admin/v1/audit/verify` checks it. */
  @Get()
  @RequirePermission('audit.read')
  @Answers('Tells where the hash chain over the log stands, and its anchors.', chainSchema)
  async get() {
    const chain = await this.chain.getChain({}, asCaller());
    return {
      head: chain.head,
      incarnation: chain.incarnation,
      position: chain.position,
      hash: chain.hash,
      lag: chain.lag,
      lag_seconds: chain.lagSeconds,
      anchor: anchorView(chain.anchor),
      unanchored: chain.unanchored,
      kept: chain.kept,
      stopped: orNull(chain.stopped),
    };
  }
}

/** An anchor as the API shows it. */
export function anchorView(anchor: chainV1.ChainAnchor | undefined) {
  if (anchor === undefined) return null;
  const { position, time, incarnation, kid } = anchor;
  return { position, time, incarnation, kid };
}
