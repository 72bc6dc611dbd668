import { z } from 'zod';
import { FairleadError, namePattern, serviceKinds, type fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { FleetObservation } from '../tasks/observe-fleet.js';

const requestSchema = z.object({
  kind: z.enum(serviceKinds, 'not a kind of service'),
  shardId: z.string().regex(namePattern, 'not a shard id'),
});

/** Probes the endpoints of one shard now. */
export const checkShard = (observation: FleetObservation): Rpc<fleetV1.CheckShardRequest, fleetV1.CheckShardResponse> =>
  rpc('fleet.read', async (request) => {
    const parsed = requestSchema.safeParse(request);
    if (!parsed.success) throw new FairleadError('invalid_argument', parsed.error.issues[0]?.message ?? 'not valid');
    return { endpoints: [...(await observation.checkShard(parsed.data.kind, parsed.data.shardId))] };
  });
