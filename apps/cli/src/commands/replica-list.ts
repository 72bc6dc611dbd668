import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderReplicas } from '../view/coordination.js';

/** `fairlead replica list` */
export function replicaList(parent: Command, run: Run): void {
  parent
    .command('list')
    .description('list the processes that run jobs, the newest first')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const page = await api().replicas();
        print(page, () => renderReplicas(page.items));
      }),
    );
}
