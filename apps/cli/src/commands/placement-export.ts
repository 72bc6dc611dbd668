import type { Command } from 'commander';
import { placementFiles, writePlacementFiles } from '@fairlead/placement-map/files';
import type { Run } from '../context.js';
import { sourceOf } from '../placement-source.js';
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
