import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { overlapHours } from '../options.js';
import { renderNewToken } from '../view/access.js';

/** `fairlead service-account rotate-token` */
export function serviceAccountRotateToken(parent: Command, run: Run): void {
  parent
    .command('rotate-token <id> <token-id>')
    .description('give an API token of a service account a new secret; it is shown this once; needs a login')
    .option('--overlap <hours>', 'how long the secret before works beside it, 168 at most; 24 when left out', overlapHours)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((id: string, token: string, { overlap, idempotencyKey }: { overlap?: number; idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const rotated = await api().rotateTokenOf(id, token, overlap, idempotencyKey ?? randomUUID());
        print(rotated, () => renderNewToken(rotated));
      }),
    );
}
