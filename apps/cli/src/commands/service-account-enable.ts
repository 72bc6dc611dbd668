import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';
import { renderServiceAccount } from '../view/access.js';

/** `fairlead service-account enable` */
export function serviceAccountEnable(parent: Command, run: Run): void {
  parent
    .command('enable <id>')
    .description('let the tokens of a service account in again')
    .addOption(revisionOption())
    .action((id: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        const account = await api().changeServiceAccount(id, false, ifMatchOf(options));
        print(account, () => renderServiceAccount(account));
      }),
    );
}
