import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderOrg } from '../view/orgs.js';

/** `fairlead org show` */
export function orgShow(parent: Command, run: Run): void {
  parent
    .command('show <org>')
    .description('show an org')
    .action((name: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const org = await api().org(name);
        print(org, () => renderOrg(org));
      }),
    );
}
