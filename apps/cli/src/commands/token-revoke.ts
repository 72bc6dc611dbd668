import type { Command } from 'commander';
import type { Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';

/** `fairlead token revoke` */
export function tokenRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke <id>')
    .description('revoke an API token, at once; takes its id, which `token list` shows')
    .action((tokenId: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        checkTokenId(tokenId);
        await api().revokeToken(tokenId);
        print({ token_id: tokenId, revoked: true }, () => `${tokenId} is revoked\n`);
      }),
    );
}

/** Throws a usage error for what is no id: whoever pastes the token itself has shown it to the shell's history already; it goes no further. */
export function checkTokenId(tokenId: string): void {
  if (!/^flt_[0-9a-f]{32}$/.test(tokenId)) throw new CliError('an id such as flt_0123… is expected', exitCodes.usage);
}
