import { placedKinds, type placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { readWholePlacement } from '../tenants/store/effective.js';
import type { Deps } from './deps.js';
import { shardMessage } from './messages.js';

/** Answers every map (unless they are not wanted) and shard at one committed revision, and the revision that KV holds. */
export const getPlacement = ({ database }: Deps): Rpc<placementV1.GetPlacementRequest, placementV1.GetPlacementResponse> =>
  rpc('placement.read', async ({ withoutTenants }) => {
    const { epoch, revision, maps, shards, publishedRevision } = await readWholePlacement(database, { tenants: !withoutTenants });
    return {
      epoch,
      revision,
      maps: Object.fromEntries(placedKinds.map((kind) => [kind, { shardsByTenant: maps[kind] ?? {} }])),
      shards: shards.map(shardMessage),
      publishedRevision,
    };
  });
