import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderChain } from '../view/chain.js';

/** `fairlead audit chain` */
export function auditChain(parent: Command, run: Run): void {
  parent
    .command('chain')
    .description('show how far the log is chained and anchored; audit verify checks it')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const chain = await api().chain();
        print(chain, () => renderChain(chain));
      }),
    );
}
