import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { overlapHours } from '../options.js';
import { renderNewKey } from '../view/orgs.js';

interface RotateOptions {
  readonly overlap?: number;
  readonly idempotencyKey?: string;
}

/** `fairlead project key rotate` */
export function projectKeyRotate(parent: Command, run: Run): void {
  parent
    .command('rotate <org> <project> <key-id>')
    .description('give a key of a project a new secret; it is shown this once; needs a login')
    .option('--overlap <hours>', 'how long the secret before works beside it, 168 at most; 24 when left out', overlapHours)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((org: string, project: string, keyId: string, { overlap, idempotencyKey }: RotateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const rotated = await api().rotateKey(org, project, keyId, overlap, idempotencyKey ?? randomUUID());
        print(rotated, () => renderNewKey(rotated));
      }),
    );
}
