import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { dropSession, readSession } from '../session.js';

/** `fairlead logout` */
export function logout(parent: Command, run: Run): void {
  parent
    .command('logout')
    .description('end the session and forget it')
    .action((_options: object, command: Command) => run(command, logOut));
}

/** Forgets the session whatever the gateway says; one that it was not told of ends by itself. */
async function logOut({ terminal, apiAt, print }: Context): Promise<void> {
  const session = readSession(terminal.env);
  dropSession(terminal.env);
  try {
    if (session?.session_cookie !== undefined) await apiAt(session.url).logout(session.session_cookie);
  } catch (error) {
    terminal.err('the session is forgotten here, but the gateway could not be told: there it ends by itself\n');
    throw error;
  }
  print({ logged_out: session !== undefined }, () => (session === undefined ? 'nobody was logged in\n' : 'logged out\n'));
}
