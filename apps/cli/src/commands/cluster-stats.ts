import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError } from '../exit.js';
import { renderStats } from '../view/cluster.js';
import { printable } from '../view/text.js';

/** `fairlead cluster stats` */
export function clusterStats(parent: Command, run: Run): void {
  parent
    .command('stats')
    .description('tell CPU, memory, requests, errors and latency of each kind and service; the exit code is 1 when they can not be asked')
    .addHelpText('after', '\nWith -o json each value comes with the query that answers it.\n')
    .action((_options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const stats = await api().clusterStats();
        print(stats, () => renderStats(stats));
        const { source } = stats;
        if (source?.available !== true)
          throw new CliError(`VictoriaMetrics could not be asked: ${printable(source?.problem ?? 'it is not told why')}`);
      }),
    );
}
