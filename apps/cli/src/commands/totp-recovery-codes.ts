import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderRecoveryCodes } from '../view/recovery-codes.js';
import { readCode, readPassword } from './login.js';

/** `fairlead totp recovery-codes` */
export function totpRecoveryCodes(parent: Command, run: Run): void {
  parent
    .command('recovery-codes')
    .description('replace all recovery codes; shows the new ones this once')
    .option('--password-stdin', 'read your password from the standard input')
    .option('--code <code>', 'a code of the app, or a recovery code')
    .action(({ passwordStdin, code }: { passwordStdin?: boolean; code?: string }, command: Command) =>
      run(command, async ({ terminal, api, print }) => {
        const gateway = api();
        const password = await readPassword(terminal, passwordStdin === true, 'Password: ');
        const renewed = await gateway.renewRecoveryCodes(password, await readCode(terminal, code));
        print(renewed, () => renderRecoveryCodes(renewed.recovery_codes));
      }),
    );
}
