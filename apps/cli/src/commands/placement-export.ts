import type { Command } from 'commander';
import { serviceKinds, type PlacedKind } from '@fairlead/contracts';
import { placementFiles, writePlacementFiles } from '@fairlead/placement-map/files';
import type { Placement } from '../api.js';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderExport } from '../view/lists.js';

/** `fairlead placement export` */
export function placementExport(parent: Command, run: Run): void {
  parent
    .command('export')
    .description('write the placement in effect to <dir>/placement/dev.json and <dir>/routing/dev.json')
    .argument('<dir>', 'the folder; made when it is missing')
    .action((dir: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const placement = await api().placement();
        await writePlacementFiles(dir, sourceOf(placement));
        const written = { epoch: placement.epoch, revision: placement.revision, files: placementFiles(dir) };
        print(written, () => renderExport(written));
      }),
    );
}

function sourceOf(placement: Placement) {
  const map = (kind: PlacedKind) =>
    new Map(Object.entries(placement[`${kind}_placement`]).map(([tenant, { shard }]) => [tenant, known(shard)]));
  return {
    epoch: placement.epoch,
    revision: placement.revision,
    maps: { aggregate: map('aggregate'), projection: map('projection'), runner: map('runner') },
    shards: serviceKinds.flatMap((kind) =>
      Object.entries(placement.shards[kind] ?? {}).map(([shardId, shard]) => ({
        kind,
        shardId,
        endpoints: known(shard.endpoints).map(({ endpoint_id: id, url }) => ({ endpointId: known(id), url: known(url) })),
        weight: shard.weight ?? 1,
        labels: shard.labels ?? {},
        state: shard.state ?? 'active',
      })),
    ),
  };
}

/** Throws rather than let a file tell less than is in effect. */
function known<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new CliError('the gateway did not tell all of the placement; nothing was written');
  return value;
}
