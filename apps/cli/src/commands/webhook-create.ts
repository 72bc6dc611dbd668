import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { list } from '../options.js';
import { renderWebhookSecret } from '../view/webhook.js';

/** `fairlead webhook create` */
export function webhookCreate(parent: Command, run: Run): void {
  parent
    .command('create <name> <address>')
    .description('have an address told of events by HTTP; the secret that signs messages is shown this once')
    .requiredOption('--type <type>', "what it is told of: job.job_failed, job.step_*, 'tenant.*' (repeatable)", list)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((name: string, url: string, { type: types, idempotencyKey }: { type: string[]; idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        const created = await api().createWebhook({ name, url, types }, idempotencyKey ?? randomUUID());
        print(created, () => renderWebhookSecret(created));
      }),
    );
}
