import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';
import { renderOrg } from '../view/orgs.js';

/** `fairlead org change` */
export function orgChange(parent: Command, run: Run): void {
  parent
    .command('change <org>')
    .description('change what people call an org')
    .requiredOption('--display-name <text>', 'what people call it')
    .addOption(revisionOption())
    .action((name: string, { displayName, ...options }: { displayName: string; revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        const org = await api().changeOrg(name, { display_name: displayName }, ifMatchOf(options));
        print(org, () => renderOrg(org));
      }),
    );
}
