import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { overlapHours } from '../options.js';
import { renderWebhookSecret } from '../view/webhook.js';

/** `fairlead webhook rotate-secret` */
export function webhookRotateSecret(parent: Command, run: Run): void {
  parent
    .command('rotate-secret <id>')
    .description('sign messages of a webhook with a new secret; it is shown this once')
    .option('--overlap <hours>', 'how long messages are signed with the one before too, 168 at most; 24 when left out', overlapHours)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((id: string, { overlap, idempotencyKey }: { overlap?: number; idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const rotated = await api().rotateWebhookSecret(id, overlap, idempotencyKey ?? randomUUID());
        print(rotated, () => renderWebhookSecret(rotated));
      }),
    );
}
