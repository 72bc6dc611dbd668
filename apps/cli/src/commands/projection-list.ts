import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderProjections } from '../view/projection.js';

/** `fairlead projection list` */
export function projectionList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('list projections, how far they are and what they do')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const page = await api().projections();
        print(page, () => renderProjections(page.items));
      }),
    );
}
