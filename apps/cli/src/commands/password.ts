import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { readPassword } from './login.js';

/** `fairlead password` */
export function password(parent: Command, run: Run): void {
  parent
    .command('password')
    .description('change your own password')
    .option('--password-stdin', 'read the current and the new password from the standard input, one per line')
    .action((options: { passwordStdin?: boolean }, command: Command) =>
      run(command, (context) => changePassword(context, options.passwordStdin === true)),
    );
}

async function changePassword({ terminal, api, print }: Context, fromInput: boolean): Promise<void> {
  const gateway = api();
  const [current, fresh] = fromInput ? await fromLines(terminal.readInput()) : await fromQuestions(terminal);
  await gateway.changePassword(current, fresh);
  print({ changed: true }, () => 'the password is changed\n');
}

async function fromLines(input: Promise<string>): Promise<[current: string, fresh: string]> {
  const [current = '', fresh = ''] = (await input).split(/\r?\n/);
  if (current === '' || fresh === '') throw new CliError('two lines are expected: the current and the new password', exitCodes.usage);
  return [current, fresh];
}

async function fromQuestions(terminal: Context['terminal']): Promise<[current: string, fresh: string]> {
  const current = await readPassword(terminal, false, 'Current password: ');
  const fresh = await readPassword(terminal, false, 'New password: ');
  if (fresh !== (await readPassword(terminal, false, 'New password again: ')))
    throw new CliError('the new passwords differ', exitCodes.usage);
  return [current, fresh];
}
