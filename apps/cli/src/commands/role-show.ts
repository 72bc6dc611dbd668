import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderRole } from '../view/access.js';

/** `fairlead role show` */
export function roleShow(parent: Command, run: Run): void {
  parent
    .command('show <name>')
    .description('show what a role gives')
    .action((name: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const role = await api().role(name);
        print(role, () => renderRole(role));
      }),
    );
}
