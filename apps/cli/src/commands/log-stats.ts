import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderStats } from '../view/log.js';

/** `fairlead log stats` */
export function logStats(parent: Command, run: Run): void {
  parent
    .command('stats')
    .description('tell where the log stands: its head, rate, partitions, and how far its readers are')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const stats = await api().logStats();
        print(stats, () => renderStats(stats));
      }),
    );
}
