import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError } from '../exit.js';
import type { LogFinding } from '../log-api.js';
import { position } from '../options.js';
import { renderFinding } from '../view/log.js';
import { printable } from '../view/text.js';

interface VerifyOptions {
  readonly from?: number;
  readonly to?: number;
}

/** `fairlead log verify` */
export function logVerify(parent: Command, run: Run): void {
  parent
    .command('verify')
    .description('check that the log is whole and that the event stream holds the same; the exit code is 1 when it is not')
    .option('--from <position>', 'from this position on', position)
    .option('--to <position>', 'up to this position', position)
    .addHelpText(
      'after',
      '\nIt changes nothing and may be ended at any time; go on with --from. The exit code is 1 also when the event stream could not be compared.\n',
    )
    .action((options: VerifyOptions, command: Command) => run(command, (context) => verify(context, options)));
}

async function verify({ api, terminal, json }: Context, { from = 1, to }: VerifyOptions): Promise<void> {
  const client = api();
  const sum: Sum = { from, to: 0, findings: [], compared: 0, problem: null };
  let next: number | null = from;
  while (next !== null) {
    const checked: Awaited<ReturnType<typeof client.verifyLog>> = await client.verifyLog({ from: next, to });
    sum.findings.push(...checked.findings);
    sum.compared += checked.stream_compared;
    sum.to = checked.to;
    sum.problem ??= checked.stream_problem ?? null;
    if (faultOf(sum) !== undefined) terminal.failing();
    if (!json) for (const finding of checked.findings) terminal.out(renderFinding(finding));
    if (checked.next === undefined || (checked.next !== null && checked.next <= next))
      throw new CliError('the gateway does not get on with the check');
    next = checked.next;
    if (next !== null) terminal.err(`checked up to ${checked.to} of ${to ?? checked.head}, ${sum.findings.length} findings\n`);
  }
  terminal.out(json ? `${JSON.stringify(documentOf(sum), null, 2)}\n` : summaryOf(sum));
  const fault = faultOf(sum);
  if (fault !== undefined) throw new CliError(fault);
}

interface Sum {
  readonly from: number;
  to: number;
  readonly findings: LogFinding[];
  /** Events that were compared with the event stream. */
  compared: number;
  /** Why not all could be. */
  problem: string | null;
}

/** What the exit code is about; undefined when all is well. */
function faultOf({ findings, problem }: Sum): string | undefined {
  const notCompared =
    problem === null ? undefined : `the log is not fully checked: the event stream was not compared: ${printable(problem)}`;
  if (findings.length === 0) return notCompared;
  return [`the log has ${findings.length} findings`, ...(notCompared === undefined ? [] : [notCompared])].join('; ');
}

function documentOf({ from, to, findings, compared, problem }: Sum): object {
  return { from, to, fully_checked: problem === null, findings, stream_compared: compared, stream_problem: problem };
}

function summaryOf({ from, to, findings, compared, problem }: Sum): string {
  const found = findings.length === 0 ? 'all is well' : `${findings.length} findings`;
  if (to < from)
    return problem === null ? 'there is nothing to check\n' : 'not fully checked: there are no positions in the log to check\n';
  const checked = `positions ${from} to ${to} are checked, ${compared} of them against the event stream`;
  if (problem === null) return `${checked}: ${found}\n`;
  return `${checked}: not fully checked${findings.length === 0 ? '' : `, ${found}`}\n`;
}
