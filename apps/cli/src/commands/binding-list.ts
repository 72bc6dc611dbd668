import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderBindings } from '../view/access.js';
import { printPage } from '../view/page.js';

interface ListOptions extends PageOptions {
  readonly principal?: string;
  readonly role?: string;
  readonly scope?: string;
}

/** `fairlead binding list` */
export function bindingList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list who holds which role where, as far as you manage identity'))
    .option('--principal <principal>', "only somebody's, such as user:usr_…")
    .option('--role <role>', 'only of this role')
    .option('--scope <scope>', 'only on this very scope, such as /tenants/acme')
    .action(({ principal, role, scope, ...page }: ListOptions, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().bindings({ principal, role, scope }, page), renderBindings);
      }),
    );
}
