import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { addPageOptions, position, type PageOptions } from '../options.js';
import { renderEvent, renderEvents } from '../view/log.js';
import { printPage } from '../view/page.js';

interface ShowOptions extends PageOptions {
  readonly from?: number;
  readonly to?: number;
  readonly oldest?: boolean;
  readonly type?: string;
  readonly aggregate?: string;
  readonly tenant?: string;
  readonly principal?: string;
  readonly request?: string;
  readonly correlation?: string;
  readonly trace?: string;
  readonly job?: string;
}

/** `fairlead log show` */
export function logShow(parent: Command, run: Run): void {
  addPageOptions(parent.command('show').argument('[position]', 'one event in full', position))
    .description('show events as the log holds them, newest first, or one of them in full')
    .option('--from <position>', 'from this position on', position)
    .option('--to <position>', 'up to this position', position)
    .option('--oldest', 'oldest first')
    .option('--type <type>', 'one event type, or those that begin so: job.job_created, job.step_*, job.*')
    .option('--aggregate <aggregate>', 'one aggregate, or all of a type: job:job_…, job')
    .option('--tenant <tenant>', 'only what was done to this tenant')
    .option('--principal <id>', 'only what this principal did, such as user:usr_…')
    .option('--request <id>', 'only what this request did')
    .option('--correlation <id>', 'only what belongs to this correlation id')
    .option('--trace <id>', 'only what belongs to this trace')
    .option('--job <job>', 'only what this job did')
    .addHelpText(
      'after',
      '\nExamples:\n  fairlead log show 4711\n  fairlead log show --aggregate tenant:acme --oldest\n  fairlead log show --type job.* --from 100000 -o json\n',
    )
    .action((at: number | undefined, options: ShowOptions, command: Command) =>
      run(command, (context) => (at === undefined ? showPage(context, options) : showOne(context, at, command))),
    );
}

async function showOne({ api, print }: Context, at: number, command: Command): Promise<void> {
  const given = Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli');
  if (given.length > 0) throw new CliError(`one event by its position takes no --${given[0] ?? ''}`, exitCodes.usage);
  const event = await api().logEvent(at);
  print(event, () => renderEvent(event));
}

async function showPage(context: Context, options: ShowOptions): Promise<void> {
  const filter = {
    order: options.oldest === true ? ('oldest' as const) : undefined,
    from: options.from,
    to: options.to,
    type: options.type,
    aggregate: options.aggregate,
    tenant: options.tenant,
    principal: options.principal,
    request_id: options.request,
    correlation_id: options.correlation,
    trace_id: options.trace,
    job_id: options.job,
  };
  printPage(context, await context.api().logEvents(filter, options), renderEvents);
}
