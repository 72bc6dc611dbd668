import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';

/** `fairlead service-account delete` */
export function serviceAccountDelete(parent: Command, run: Run): void {
  parent
    .command('delete <id>')
    .description('delete a service account for good, with its roles and tokens')
    .addOption(revisionOption())
    .action((id: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteServiceAccount(id, ifMatchOf(options));
        print({}, () => `service account ${id} is deleted\n`);
      }),
    );
}
