import type { Command } from 'commander';
import type { z } from 'zod';
import { resumeEvents } from '@fairlead/contracts';
import type { Context, Run } from '../context.js';
import { CliError } from '../exit.js';
import { isFinal } from '../http/client.js';
import { changeSchema, supersededSchema } from '../log-api.js';
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

async function tail({ api, terminal, json }: Context, { types, cursor: start, count, ...filter }: TailOptions): Promise<void> {
  const client = api();
  const ending = new AbortController();
  let left = count ?? Infinity;
  const events = resumeEvents({
    open: (cursor, signal) => client.openChanges({ ...filter, types: types?.join(','), cursor }, signal),
    cursor: start,
    signal: ending.signal,
    isRefusal: isFinal,
  });
  for await (const { type, data, id } of events) {
    if (type === 'heartbeat' || type === 'cut_off') continue;
    if (type === 'superseded') {
      const { valid_until: until } = parse(supersededSchema, data);
      terminal.err(`the log was restored: what was told after position ${until} does not hold; going on from ${id}\n`);
      continue;
    }
    const change = parse(changeSchema, data);
    terminal.out(json ? `${JSON.stringify(change)}\n` : renderChange(change));
    left -= 1;
    if (left <= 0) ending.abort();
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, data: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(data));
  } catch (cause) {
    throw new CliError('the gateway sent an event that is not understood', undefined, { cause });
  }
}
