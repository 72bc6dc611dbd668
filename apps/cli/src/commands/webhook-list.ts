import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { printPage } from '../view/page.js';
import { renderWebhooks } from '../view/webhook.js';

/** `fairlead webhook list` */
export function webhookList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list webhooks, newest first')).action((options: PageOptions, command: Command) =>
    run(command, async (context) => {
      printPage(context, await context.api().webhooks(options), renderWebhooks);
    }),
  );
}
