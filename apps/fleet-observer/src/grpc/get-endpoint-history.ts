import { z } from 'zod';
import { FairleadError, namePattern, serviceKinds, type fleetV1 } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { endpointKey } from '../domain/health.js';
import { readHistory } from '../store/history.js';

const requestSchema = z.object({
  kind: z.enum(serviceKinds, 'not a kind of service'),
  shardId: z.string().regex(namePattern, 'not a shard id'),
  endpointId: z.string().regex(namePattern, 'not an endpoint id'),
  limit: z.int('limit: 1 to 200').min(1, 'limit: 1 to 200').max(200, 'limit: 1 to 200'),
  before: z.int('before: not a sequence').min(0, 'before: not a sequence'),
});

/** What happened to one endpoint, the newest first; those that are gone are known as long as their history is kept. */
export const getEndpointHistory = (database: Database): Rpc<fleetV1.GetEndpointHistoryRequest, fleetV1.GetEndpointHistoryResponse> =>
  rpc('fleet.read', async (request) => {
    const parsed = requestSchema.safeParse(request);
    if (!parsed.success) throw new FairleadError('invalid_argument', parsed.error.issues[0]?.message ?? 'not valid');
    const { limit, before } = parsed.data;
    const key = endpointKey(parsed.data);
    const { happenings, known } = await readHistory(database, key, { before, limit: limit + 1 });
    if (!known && before === 0) throw new FairleadError('endpoint_not_found', `nothing is known of an endpoint ${key}`);
    return { happenings: happenings.slice(0, limit), more: happenings.length > limit };
  });
