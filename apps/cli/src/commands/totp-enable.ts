import type { Command } from 'commander';
import type { Run } from '../context.js';
import { fields } from '../view/table.js';
import { readPassword } from './login.js';

/** `fairlead totp enable` */
export function totpEnable(parent: Command, run: Run): void {
  parent
    .command('enable')
    .description('begin with a second factor: shows this once what your authenticator app needs; `totp confirm` makes it active')
    .option('--password-stdin', 'read your password from the standard input')
    .action(({ passwordStdin }: { passwordStdin?: boolean }, command: Command) =>
      run(command, async ({ terminal, api, print }) => {
        const gateway = api();
        const enrolled = await gateway.enrolTotp(await readPassword(terminal, passwordStdin === true, 'Password: '));
        print(enrolled, () =>
          fields([
            ['secret', enrolled.secret],
            ['uri', enrolled.otpauth_uri],
            ['next', 'give one of them to your app, then: fairlead totp confirm'],
          ]),
        );
      }),
    );
}
