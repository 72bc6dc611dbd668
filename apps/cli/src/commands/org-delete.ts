import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';

/** `fairlead org delete` */
export function orgDelete(parent: Command, run: Run): void {
  parent
    .command('delete <org>')
    .description('delete an org without projects, with the roles that are held on it')
    .addOption(revisionOption())
    .action((name: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteOrg(name, ifMatchOf(options));
        print({}, () => `org ${name} is deleted\n`);
      }),
    );
}
