import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { headPosition, readEventsAt, type StoredEvent } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { maxPageBytes, pageOf } from '../domain/page.js';
import { findEvents } from '../find-events.js';
import { trailEnds } from '../projections/audit-record/query.js';
import { parseInput } from './input.js';
import { eventMessage, positionInput } from './log-events.js';

const defaultLimit = 50;
const maxLimit = 200;

/** An empty text filters nothing. */
const id = z
  .string()
  .max(255, 'longer than 255 characters')
  .transform((text) => (text === '' ? undefined : text));

const requestSchema = z
  .object({
    limit: z.int().min(0, `not within 1 and ${maxLimit}`).max(maxLimit, `not within 1 and ${maxLimit}`),
    oldestFirst: z.boolean(),
    cursor: positionInput,
    fromPosition: positionInput,
    toPosition: positionInput,
    aggregateType: id,
    aggregateId: id,
    eventType: z
      .string()
      .regex(/^([a-z0-9_]+\.([A-Za-z0-9_.-]*\*|[A-Za-z0-9_.-]+))?$/, 'not an event type such as job.job_created, job.step_* or job.*')
      .transform((text) => {
        if (text === '') return undefined;
        return text.endsWith('*') ? { startingWith: text.slice(0, -1) } : { exactly: text };
      }),
    tenantId: id,
    principal: id,
    requestId: id,
    correlationId: id,
    traceId: id,
    jobId: id,
  })
  .refine(({ aggregateType, aggregateId }) => aggregateId === undefined || aggregateType !== undefined, 'an aggregate id needs its type');

/** Lists events by position, newest or oldest first. */
export const listEvents = ({ sql }: { sql: Sql }): Rpc<logV1.ListEventsRequest, logV1.ListEventsResponse> =>
  rpc('log.read', async (request) => {
    const { limit, oldestFirst, cursor, fromPosition, toPosition, eventType: action, ...equal } = parseInput(requestSchema, request);
    // The trail first, so that it can not be ahead of the head.
    const trail = await trailEnds(sql);
    const head = await headPosition(sql);
    const found = await findEvents(sql, {
      low: Math.max(1, fromPosition, oldestFirst ? cursor + 1 : 0),
      high: Math.min(head, toPosition === 0 ? head : toPosition, oldestFirst || cursor === 0 ? head : cursor - 1),
      filter: { ...equal, action },
      oldestFirst,
      limit: limit === 0 ? defaultLimit : limit,
      trail,
    });
    const read = await eventsAt(sql, found.positions);
    const { records, more } = pageOf(read.events, ({ payload, meta }) => [payload, meta], read.events.length);
    const next = more || read.more ? (records.at(-1)?.position ?? 0) : (found.cursor ?? 0);
    return { events: records.map(eventMessage), nextCursor: next, head };
  });

/** Events read at a time: of the largest ones some MiB. */
const step = 20;

/** The events in the order of their positions as given, not many more than a page may hold; `more` says that some are left. */
async function eventsAt(sql: Sql, positions: readonly number[]): Promise<{ events: StoredEvent[]; more: boolean }> {
  const events: StoredEvent[] = [];
  for (let at = 0, bytes = 0; at < positions.length; at += step) {
    if (bytes > maxPageBytes) return { events, more: true };
    const asked = positions.slice(at, at + step);
    const read = new Map((await readEventsAt(sql, asked)).map((event) => [event.position, event]));
    const found = asked.flatMap((position) => read.get(position) ?? []);
    bytes += found.reduce((sum, { payload, meta }) => sum + JSON.stringify([payload, meta]).length, 0);
    events.push(...found);
  }
  return { events, more: false };
}
