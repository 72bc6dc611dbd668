import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderHistory } from '../view/cluster.js';
import { printPage } from '../view/page.js';

/** `fairlead fleet history` */
export function fleetHistory(parent: Command, run: Run): void {
  addPageOptions(parent.command('history').argument('<endpoint>', '<kind>.<shard>.<endpoint>, as the snapshot names it'))
    .description('show what happened to an endpoint, newest first; one that is gone is known as long as its history is kept')
    .addHelpText('after', '\nExample:\n  fairlead fleet history runner.runner-1.runner-1-1\n')
    .action((endpoint: string, options: PageOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().endpointHistory(endpoint, options), renderHistory);
      }),
    );
}
