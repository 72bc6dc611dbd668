import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { placedKind } from '../targets.js';
import { renderTenants } from '../view/lists.js';
import { printPage } from '../view/page.js';

/** `fairlead tenant list` */
export function tenantList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list tenants and where they are'))
    .option('--kind <kind>', 'with --shard: only tenants on this shard')
    .option('--shard <shard>', 'with --kind: only tenants on this shard')
    .action((options: PageOptions & { kind?: string; shard?: string }, command: Command) =>
      run(command, async (context) => {
        const { kind, shard } = options;
        printPage(
          context,
          await context.api().tenants({ kind: kind === undefined ? undefined : placedKind(kind), shard_id: shard }, options),
          renderTenants,
        );
      }),
    );
}
