import { Option, type Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderTokens } from '../view/lists.js';
import { printPage } from '../view/page.js';

interface ListOptions extends PageOptions {
  readonly user?: string;
  readonly all?: boolean;
}

/** `fairlead token list` */
export function tokenList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list your own API tokens, newest first'))
    .option('--user <id>', "another user's, such as usr_…")
    .addOption(new Option('--all', "everybody's").conflicts('user'))
    .action((options: ListOptions, command: Command) =>
      run(command, async (context) => {
        const user_id = options.all === true ? 'all' : options.user;
        printPage(context, await context.api().tokens({ user_id }, options), renderTokens);
      }),
    );
}
