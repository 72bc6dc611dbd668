import type { Command } from 'commander';
import { Option } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import type { Projection } from '../log-api.js';
import { timeoutMs } from '../options.js';
import { renderProgress } from '../view/projection.js';

interface RebuildOptions {
  readonly cancel?: boolean;
  readonly wait?: boolean;
  readonly reason: string;
  readonly timeout: number;
}

const lookEveryMs = 1_000;

/** `fairlead projection rebuild` */
export function projectionRebuild(parent: Command, run: Run): void {
  parent
    .command('rebuild')
    .argument('<name>', 'such as audit_record')
    .description('fill a projection anew from the log while the old one serves, then swap them')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--cancel', 'give the rebuild up that runs; the old one goes on serving')
    .option('--wait', 'show how far it is, until it is swapped')
    .addOption(new Option('--timeout <duration>', 'stop waiting after this time; it goes on').argParser(timeoutMs).default(3_600_000, '1h'))
    .action((name: string, options: RebuildOptions, command: Command) =>
      run(command, (context) => (options.cancel === true ? cancel(context, name, options) : rebuild(context, name, options))),
    );
}

async function cancel({ api, print }: Context, name: string, { reason, wait }: RebuildOptions): Promise<void> {
  if (wait === true) throw new CliError('--wait does not go with --cancel', exitCodes.usage);
  const projection = await api().cancelRebuild(name, reason);
  print(projection, () => `the rebuild of ${name} is given up\n`);
}

async function rebuild(context: Context, name: string, { reason, wait, timeout }: RebuildOptions): Promise<void> {
  const { api, print, terminal } = context;
  const client = api();
  const before = servingEpoch(await client.projection(name));
  const asked = await client.rebuildProjection(name, reason);
  if (wait !== true) {
    print(asked, () => `a rebuild of ${name} is asked for; see how far it is with: fairlead projection show ${name}\n`);
    return;
  }
  const deadline = AbortSignal.timeout(timeout);
  for (;;) {
    const projection = await client.projection(name, deadline).catch((error: unknown) => {
      throw deadline.aborted ? outOfTime(name, error) : error;
    });
    if (servingEpoch(projection) !== before) {
      print(projection, () => `projection ${name} serves epoch ${servingEpoch(projection)} now\n`);
      return;
    }
    requireGoingOn(projection);
    terminal.err(renderProgress(projection));
    await pause(lookEveryMs, deadline, name);
  }
}

function servingEpoch({ epochs }: Projection): number {
  return epochs.find(({ serving }) => serving === true)?.epoch ?? 0;
}

/** Throws when waiting would be in vain. */
function requireGoingOn(projection: Projection): void {
  const { name, epochs } = projection;
  const filling = epochs.find(({ serving }) => serving !== true);
  if (filling === undefined && projection.rebuild_requested !== true) throw new CliError(`the rebuild of ${name} was given up`);
  if (projection.paused === true)
    throw new CliError(`projection ${name} is paused, and so is its rebuild: fairlead projection resume ${name}`);
  if (filling?.stopped == null) return;
  throw new CliError(`the rebuild of ${name} is stopped at position ${filling.stopped.position ?? '-'}: ${filling.stopped.reason ?? ''}`);
}

async function pause(delayMs: number, deadline: AbortSignal, name: string): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
  if (deadline.aborted) throw outOfTime(name);
}

function outOfTime(name: string, cause?: unknown): CliError {
  return new CliError(`the rebuild of ${name} has not ended in time; it goes on: fairlead projection show ${name}`, exitCodes.timeout, {
    cause,
  });
}
