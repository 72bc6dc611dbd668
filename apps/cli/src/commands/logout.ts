import type { Command } from 'commander';
import type { Run } from '../context.js';
import { dropSession } from '../session.js';

/** `fairlead logout`: access tokens are short-lived and end by themselves; this forgets the stored one. */
export function logout(parent: Command, run: Run): void {
  parent
    .command('logout')
    .description('forget the session')
    .action((_options: object, command: Command) =>
      run(command, ({ terminal, print }) => {
        const existed = dropSession(terminal.env);
        print({ logged_out: existed }, () => (existed ? 'logged out\n' : 'nobody was logged in\n'));
        return Promise.resolve();
      }),
    );
}
