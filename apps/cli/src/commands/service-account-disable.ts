import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';
import { renderServiceAccount } from '../view/access.js';

/** `fairlead service-account disable` */
export function serviceAccountDisable(parent: Command, run: Run): void {
  parent
    .command('disable <id>')
    .description('refuse the tokens of a service account until it is enabled')
    .addOption(revisionOption())
    .action((id: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        const account = await api().changeServiceAccount(id, true, ifMatchOf(options));
        print(account, () => renderServiceAccount(account));
      }),
    );
}
