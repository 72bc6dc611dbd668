import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { moveTenant as commitMove } from '../tenants/move-tenant.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput, revisionInput } from './input.js';

const input = z.object({
  tenantId: nameInput,
  moves: z
    .array(
      z.object({
        kind: placedKindInput,
        toShardId: nameInput,
        expectedRevision: revisionInput.positive('the revision the plan was made from'),
      }),
    )
    .min(1, 'at least one move is expected')
    .refine((moves) => new Set(moves.map(({ kind }) => kind)).size === moves.length, 'a kind stands twice'),
  idempotencyKey: z.string().min(1, 'an idempotency key is expected').max(255, 'at most 255 characters'),
  fence: z.number().int().positive('a fence above 0 is expected'),
  reason: z.string().trim().min(1, 'a reason is expected').max(1_000, 'at most 1000 characters'),
});

/** Moves a tenant's assignments, all or none; see tenants/move-tenant.ts for what refuses it. */
export const moveTenant = ({ database, committed }: Deps): Rpc<placementV1.MoveTenantRequest, placementV1.MoveTenantResponse> =>
  rpc('placement.move', async (request) => {
    const { revision, epoch, position, repeated } = await commitMove(database, parseInput(input, request));
    if (!repeated) committed(position);
    return { revision, epoch, position };
  });
