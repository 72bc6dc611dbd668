import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';
import { renderProject } from '../view/orgs.js';

/** `fairlead project change` */
export function projectChange(parent: Command, run: Run): void {
  parent
    .command('change <org> <project>')
    .description('change what people call a project')
    .requiredOption('--display-name <text>', 'what people call it')
    .addOption(revisionOption())
    .action((org: string, name: string, { displayName, ...options }: { displayName: string; revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        const project = await api().changeProject(org, name, { display_name: displayName }, ifMatchOf(options));
        print(project, () => renderProject(project));
      }),
    );
}
