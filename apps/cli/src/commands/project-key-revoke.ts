import type { Command } from 'commander';
import type { Run } from '../context.js';

/** `fairlead project key revoke` */
export function projectKeyRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke <org> <project> <key-id>')
    .description('end a key of a project, at once')
    .action((org: string, project: string, keyId: string, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        await api().revokeKey(org, project, keyId);
        print({}, () => `key ${keyId} is revoked\n`);
      }),
    );
}
