import { z } from 'zod';
import { FairleadError, type logV1 } from '@fairlead/contracts';
import { headPosition, readEventsAt } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { neighboursOf } from '../store/events.js';
import { parseInput } from './input.js';
import { eventMessage } from './log-events.js';

const requestSchema = z.object({ position: z.int().min(1, 'not a position of the log, which begins at 1') });

/** One event, whole. Throws `not_found` for a position that the log does not hold. */
export const getEvent = ({ sql }: { sql: Sql }): Rpc<logV1.GetEventRequest, logV1.GetEventResponse> =>
  rpc('log.read', async (request) => {
    const { position } = parseInput(requestSchema, request);
    const [event] = await readEventsAt(sql, [position]);
    if (event === undefined)
      throw new FairleadError('not_found', `The log holds no event at position ${position}; its head is ${await headPosition(sql)}`);
    const { previous, next } = await neighboursOf(sql, event);
    return { event: eventMessage(event), previousPosition: previous, nextPosition: next };
  });
