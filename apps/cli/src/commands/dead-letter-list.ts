import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderDeadLetters } from '../view/dead-letter.js';
import { printPage } from '../view/page.js';

/** `fairlead dead-letter list` */
export function deadLetterList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list messages that a consumer of events gave up on, oldest first'))
    .option('--consumer <name>', 'only those of this consumer')
    .action((options: PageOptions & { consumer?: string }, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().deadLetters({ consumer: options.consumer }, options), renderDeadLetters);
      }),
    );
}
