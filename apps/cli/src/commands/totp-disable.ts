import type { Command } from 'commander';
import type { Run } from '../context.js';
import { readCode, readPassword } from './login.js';

/** `fairlead totp disable` */
export function totpDisable(parent: Command, run: Run): void {
  parent
    .command('disable')
    .description('take your second factor away: from then on the password alone is asked for')
    .option('--password-stdin', 'read your password from the standard input')
    .option('--code <code>', 'a code of the app, or a recovery code')
    .action(({ passwordStdin, code }: { passwordStdin?: boolean; code?: string }, command: Command) =>
      run(command, async ({ terminal, api, print }) => {
        const gateway = api();
        const password = await readPassword(terminal, passwordStdin === true, 'Password: ');
        await gateway.disableTotp(password, await readCode(terminal, code));
        print({ disabled: true }, () => 'the second factor is disabled\n');
      }),
    );
}
