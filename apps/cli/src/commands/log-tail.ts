import type { Command } from 'commander';
import { watchChanges } from '@fairlead/contracts';
import type { Context, Run } from '../context.js';
import { isFinal } from '../http/client.js';
import { list, positive } from '../options.js';
import { renderChange } from '../view/log.js';

interface TailOptions {
  readonly types?: readonly string[];
  readonly aggregate?: string;
  readonly tenant?: string;
  readonly cursor?: string;
  readonly count?: number;
}

/** `fairlead log tail` */
export function logTail(parent: Command, run: Run): void {
  parent
    .command('tail')
    .description('follow what happens, as far as you may read it; goes on over every break')
    .option('--types <types>', 'only these event types, such as job.*,tenant.tenant_created', list)
    .option('--aggregate <aggregate>', 'only one aggregate, or those of a type: job:job_…, job')
    .option('--tenant <tenant>', "only what is this tenant's business")
    .option('--cursor <cursor>', 'what came after this cursor too; 0 is the beginning')
    .option('--count <n>', 'end after so many', positive)
    .addHelpText('after', '\nWith -o json each event is one line of JSON, with the cursor to go on from.\n')
    .action((options: TailOptions, command: Command) => run(command, (context) => tail(context, options)));
}

async function tail({ api, terminal, json }: Context, { cursor, count, ...query }: TailOptions): Promise<void> {
  const client = api();
  let left = count ?? Infinity;
  const items = watchChanges({
    open: (fields, signal) => client.openChanges(fields, signal),
    query,
    cursor,
    signal: new AbortController().signal,
    isRefusal: isFinal,
  });
  for await (const item of items) {
    if (item.kind === 'superseded')
      terminal.err(`the log was restored: what was told after position ${item.validUntil} does not hold; going on from ${item.cursor}\n`);
    if (item.kind !== 'change') continue;
    terminal.out(json ? `${JSON.stringify(item.change)}\n` : renderChange(item.change));
    left -= 1;
    if (left <= 0) return;
  }
}
