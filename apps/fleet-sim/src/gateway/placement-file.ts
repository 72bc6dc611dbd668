import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '@fairlead/config';
import { serviceKinds } from '@fairlead/contracts';
import { placementOf, type PlacementView } from '../placement.js';

const tenants = z.array(z.tuple([z.string(), z.string()]));
const fileSchema = z.object({
  version: z.literal(1),
  epoch: z.int(),
  revision: z.int(),
  /** Missing in what earlier versions saved. */
  origin: z.enum(['kv', 'files']).default('kv'),
  shards: z.array(
    z.object({
      kind: z.enum(serviceKinds),
      shardId: z.string(),
      endpoints: z.array(z.object({ endpointId: z.string(), url: z.url() })),
    }),
  ),
  maps: z.object({ aggregate: tenants, projection: tenants, runner: tenants }),
});

/** Writes the placement a gateway applied, to start from when the control plane is away. */
export async function savePlacement(path: string, view: PlacementView): Promise<void> {
  const content: z.input<typeof fileSchema> = {
    version: 1,
    epoch: view.epoch,
    revision: view.revision,
    origin: view.origin,
    shards: view.shards.map(({ kind, shardId, endpoints }) => ({ kind, shardId, endpoints: [...endpoints] })),
    maps: {
      aggregate: Array.from(view.assignments('aggregate'), ([tenant, shard]) => [tenant, shard]),
      projection: Array.from(view.assignments('projection'), ([tenant, shard]) => [tenant, shard]),
      runner: Array.from(view.assignments('runner'), ([tenant, shard]) => [tenant, shard]),
    },
  };
  await writeFileAtomically(path, JSON.stringify(content));
}

/** Reads what was saved; undefined when nothing was. Throws when the file is damaged. */
export async function loadPlacement(path: string): Promise<PlacementView | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { epoch, revision, origin, shards, maps } = fileSchema.parse(JSON.parse(text));
  return placementOf({
    epoch,
    revision,
    origin,
    shards,
    maps: { aggregate: new Map(maps.aggregate), projection: new Map(maps.projection), runner: new Map(maps.runner) },
  });
}
