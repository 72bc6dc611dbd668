import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { overlapHours } from '../options.js';
import { fields } from '../view/table.js';
import { checkTokenId } from './token-revoke.js';

/** `fairlead token rotate` */
export function tokenRotate(parent: Command, run: Run): void {
  parent
    .command('rotate <id>')
    .description('give one of your own API tokens a new secret; it is shown this once; needs a login')
    .option('--overlap <hours>', 'how long the secret before works beside it, 168 at most; 24 when left out', overlapHours)
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same secret')
    .action((tokenId: string, { overlap, idempotencyKey }: { overlap?: number; idempotencyKey?: string }, command: Command) =>
      run(command, async ({ api, print }) => {
        checkTokenId(tokenId);
        const rotated = await api().rotateToken(tokenId, overlap, idempotencyKey ?? randomUUID());
        print(rotated, () =>
          fields([
            ['token', rotated.token],
            ['id', rotated.token_id],
            ['before', rotated.previous_until == null ? 'works no more' : `works until ${rotated.previous_until}`],
            ['expires', rotated.expires_at],
          ]),
        );
      }),
    );
}
