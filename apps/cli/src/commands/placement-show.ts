import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderPlacement } from '../view/lists.js';

/** `fairlead placement show` */
export function placementShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('show the placement in effect: revision and shards (-o json has every tenant)')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const placement = await api().placement();
        print(placement, () => renderPlacement(placement));
      }),
    );
}
