import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderRecoveryCodes } from '../view/recovery-codes.js';
import { readCode } from './login.js';

/** `fairlead totp confirm` */
export function totpConfirm(parent: Command, run: Run): void {
  parent
    .command('confirm')
    .description('make the second factor active with a first code of your app; shows this once the recovery codes')
    .option('--code <code>', 'what the app shows')
    .action(({ code }: { code?: string }, command: Command) =>
      run(command, async ({ terminal, api, print }) => {
        const gateway = api();
        const confirmed = await gateway.confirmTotp(await readCode(terminal, code));
        print(confirmed, () => renderRecoveryCodes(confirmed.recovery_codes));
      }),
    );
}
