import { z } from 'zod';
import { tenantsWith } from '@fairlead/auth';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listTenants as readTenants } from '../tenants/store/tenants.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput } from './input.js';
import { tenantMessage } from './messages.js';

const defaultLimit = 100;
const maxLimit = 1_000;

const input = z
  .object({
    limit: z
      .number()
      .int()
      .min(0, 'not negative')
      .max(maxLimit, `at most ${String(maxLimit)}`),
    after: nameInput.or(z.literal('')),
    kind: placedKindInput.or(z.literal('')),
    shardId: nameInput.or(z.literal('')),
  })
  .refine(({ kind, shardId }) => (kind === '') === (shardId === ''), {
    path: ['shardId'],
    message: 'a shard is named by its kind and its id',
  });

/** Lists tenants in id order, those that the caller may read; a limit of 0 means 100. `next_after` is empty on the last page. */
export const listTenants = ({ database }: Deps): Rpc<placementV1.ListTenantsRequest, placementV1.ListTenantsResponse> =>
  rpc(
    'tenant.read',
    async (request, { principal }) => {
      const { limit: asked, after, kind, shardId } = parseInput(input, request);
      const limit = asked === 0 ? defaultLimit : asked;
      const rows = await readTenants(database, {
        after,
        limit: limit + 1,
        shard: kind === '' ? undefined : { kind, shardId },
        only: tenantsWith(principal, 'tenant.read'),
      });
      const page = rows.slice(0, limit);
      return { tenants: page.map(tenantMessage), nextAfter: rows.length > limit ? (page.at(-1)?.tenantId ?? '') : '' };
    },
    { anywhere: true },
  );
