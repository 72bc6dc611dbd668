import { InvalidArgumentError, type Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderAggregate } from '../view/aggregate.js';
import { renderEvents } from '../view/log.js';
import { printable } from '../view/text.js';

/** `fairlead aggregate show` */
export function aggregateShow(parent: Command, run: Run): void {
  addPageOptions(parent.command('show').argument('<aggregate>', 'such as job:job_… or tenant:acme', aggregateOf))
    .description('show one with its events, newest first')
    .option('--oldest', 'oldest first')
    .action(([type, id]: [string, string], options: PageOptions & { oldest?: boolean }, command: Command) =>
      run(command, async ({ api, print, json, terminal }) => {
        const client = api();
        const aggregate = await client.aggregate(type, id);
        const filter = { aggregate: `${type}:${id}`, order: options.oldest === true ? ('oldest' as const) : undefined };
        const events = await client.logEvents(filter, options);
        print({ ...aggregate, events }, () => `${renderAggregate(aggregate)}\n${renderEvents(events.items)}`);
        if (!json && events.next_cursor != null) terminal.err(`there are more events: --cursor ${printable(events.next_cursor)}\n`);
      }),
    );
}

function aggregateOf(value: string): [type: string, id: string] {
  const [, type, id] = /^([a-z0-9_]+):(.+)$/.exec(value) ?? [];
  if (type === undefined || id === undefined)
    throw new InvalidArgumentError('A type and an id such as job:job_… or tenant:acme is expected.');
  return [type, id];
}
