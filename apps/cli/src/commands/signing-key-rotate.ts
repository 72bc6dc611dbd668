import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead signing-key rotate` */
export function signingKeyRotate(parent: Command, run: Run): void {
  parent
    .command('rotate')
    .description('sign access tokens with the next key from now on; those of the key before are taken until they end')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action(({ reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const key = await api().rotateSigningKeys(reason);
        print(key, () => `access tokens are signed with ${key.kid}\n`);
      }),
    );
}
