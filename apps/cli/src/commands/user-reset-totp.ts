import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead user reset-totp` */
export function userResetTotp(parent: Command, run: Run): void {
  parent
    .command('reset-totp <id>')
    .description("take another user's second factor away, for whoever lost theirs; be sure who asks for it")
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .action((userId: string, { reason }: { reason: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const user = await api().resetTotp(userId, reason);
        print(user, () => `the second factor of ${userId} is reset\n`);
      }),
    );
}
