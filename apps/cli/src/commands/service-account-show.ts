import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderServiceAccount } from '../view/access.js';

/** `fairlead service-account show` */
export function serviceAccountShow(parent: Command, run: Run): void {
  parent
    .command('show <id>')
    .description('show a service account')
    .action((id: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const account = await api().serviceAccount(id);
        print(account, () => renderServiceAccount(account));
      }),
    );
}
