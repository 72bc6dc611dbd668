import type { Command } from 'commander';
import type { Run } from '../context.js';
import { ifMatchOf, revisionOption } from '../options.js';

/** `fairlead webhook delete` */
export function webhookDelete(parent: Command, run: Run): void {
  parent
    .command('delete <id>')
    .description('take a webhook away, with its deliveries')
    .addOption(revisionOption())
    .action((id: string, options: { revision?: number }, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().deleteWebhook(id, ifMatchOf(options));
        print({}, () => `webhook ${id} is deleted\n`);
      }),
    );
}
