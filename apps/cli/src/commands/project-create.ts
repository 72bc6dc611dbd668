import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { renderProject } from '../view/orgs.js';

interface CreateOptions {
  readonly displayName?: string;
  readonly idempotencyKey?: string;
}

/** `fairlead project create` */
export function projectCreate(parent: Command, run: Run): void {
  parent
    .command('create <org> <name>')
    .description('make a project; its name stays, as scopes carry it: /orgs/<org>/projects/<name>')
    .option('--display-name <text>', 'what people call it; the name when left out')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((org: string, name: string, { displayName, idempotencyKey }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const project = await api().createProject(org, { name, display_name: displayName ?? name }, idempotencyKey ?? randomUUID());
        print(project, () => renderProject(project));
      }),
    );
}
