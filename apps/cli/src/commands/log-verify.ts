import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError } from '../exit.js';
import type { LogFinding } from '../log-api.js';
import { position } from '../options.js';
import { renderFinding } from '../view/log.js';

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
      '\nIt changes nothing and may be ended at any time; go on with --from. With -o json each finding is one line of JSON.\n',
    )
    .action((options: VerifyOptions, command: Command) => run(command, (context) => verify(context, options)));
}

async function verify({ api, terminal, json }: Context, { from, to }: VerifyOptions): Promise<void> {
  const client = api();
  const sum = { findings: 0, compared: 0, to: 0 };
  const tell = (finding: LogFinding) => {
    terminal.out(json ? `${JSON.stringify(finding)}\n` : renderFinding(finding));
  };
  let next: number | null = from ?? 1;
  let problem = '';
  while (next !== null) {
    const checked: Awaited<ReturnType<typeof client.verifyLog>> = await client.verifyLog({ from: next, to });
    checked.findings.forEach(tell);
    sum.findings += checked.findings.length;
    sum.compared += checked.stream_compared;
    sum.to = checked.to;
    problem = checked.stream_problem ?? problem;
    if (checked.next !== null && checked.next <= next) throw new CliError('the gateway does not get on with the check');
    next = checked.next;
    if (next !== null) terminal.err(`checked up to ${checked.to} of ${to ?? checked.head}, ${sum.findings} findings\n`);
  }
  if (problem !== '') terminal.err(`the event stream was not compared: ${problem}\n`);
  if (!json) terminal.out(summaryOf(from ?? 1, sum));
  if (sum.findings > 0) throw new CliError(`the log has ${sum.findings} findings`);
}

function summaryOf(from: number, { to, findings, compared }: { to: number; findings: number; compared: number }): string {
  if (to < from) return 'there is nothing to check\n';
  return `positions ${from} to ${to} are checked, ${compared} of them against the event stream: ${findings === 0 ? 'all is well' : `${findings} findings`}\n`;
}
