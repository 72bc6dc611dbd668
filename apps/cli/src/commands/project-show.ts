import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderProject } from '../view/orgs.js';

/** `fairlead project show` */
export function projectShow(parent: Command, run: Run): void {
  parent
    .command('show <org> <project>')
    .description('show a project')
    .action((org: string, name: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const project = await api().project(org, name);
        print(project, () => renderProject(project));
      }),
    );
}
