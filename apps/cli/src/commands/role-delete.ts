import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';

/** `fairlead role delete` */
export function roleDelete(parent: Command, run: Run): void {
  parent
    .command('delete <name>')
    .description('delete a role that nobody holds')
    .addOption(revisionOption())
    .action((name: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteRole(name, ifMatchOf(options));
        print({}, () => `role ${name} is deleted\n`);
      }),
    );
}
