import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';

/** `fairlead project delete` */
export function projectDelete(parent: Command, run: Run): void {
  parent
    .command('delete <org> <project>')
    .description('delete a project, with its keys and the roles that are held on it')
    .addOption(revisionOption())
    .action((org: string, name: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteProject(org, name, ifMatchOf(options));
        print({}, () => `project ${name} of ${org} is deleted\n`);
      }),
    );
}
