import { z } from 'zod';
import { FairleadError, type chainV1 } from '@fairlead/contracts';
import { appendInTransaction, pokeLog } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { askToSeal, timeAgo } from '../store/segments.js';
import { parseInput } from './input.js';
import { sealingMessage, type SegmentsDeps } from './segments.js';

export interface SealTrailDeps extends SegmentsDeps {
  readonly sql: Database;
  readonly messaging: Messaging;
}

const requestSchema = z.object({
  before: z
    .string()
    .refine((text) => text === '' || z.iso.datetime({ offset: true }).safeParse(text).success, 'not an RFC 3339 time')
    .transform((text) => (text === '' ? undefined : new Date(text))),
  reason: z.string().trim().min(1, 'required: say why').max(500, 'longer than 500 characters'),
});

/**
 * Notes, with the event that says who asked and why, that whole segments older than a time are to be sealed; the sealer does it right after.
 * Throws `unavailable` where no folder is set, `invalid_argument` for a time that is yet to come.
 */
export const sealTrail = (deps: SealTrailDeps): Rpc<chainV1.SealTrailRequest, chainV1.SealTrailResponse> =>
  rpc('audit.seal', async (request, { context }) => {
    const { sql, messaging, segments } = deps;
    const { before: asked, reason } = parseInput(requestSchema, request);
    if (segments === undefined) throw new FairleadError('unavailable', 'The trail is not sealed here: AUDIT_SEGMENT_FOLDER is not set');
    const now = await timeAgo(sql, 0);
    if (asked !== undefined && asked > now) throw new FairleadError('invalid_argument', 'before: is yet to come');
    const before = asked ?? now;
    const position = await sql.transaction(async (tx) => {
      await askToSeal(tx, before, context.correlationId);
      const payload = { before: before.toISOString() };
      const event = { aggregateType: 'event_log', aggregateId: 'log', type: 'trail_sealing_requested', payload, meta: { reason } } as const;
      return (await appendInTransaction(tx, { events: [event] })).lastPosition;
    });
    pokeLog(messaging, position);
    segments.sealer.look();
    return { before: before.toISOString(), position, sealing: await sealingMessage(deps) };
  });
