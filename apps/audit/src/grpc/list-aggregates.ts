import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listAggregates as queryAggregates } from '../projections/aggregate-summary/query.js';
import { aggregateId, aggregateMessage, aggregateType, waitForSummaries, type AggregateDeps } from './aggregates.js';
import { parseInput } from './input.js';
import { positionInput } from './log-events.js';

const defaultLimit = 50;
const maxLimit = 200;

const requestSchema = z.object({
  limit: z.int().min(0, `not within 1 and ${maxLimit}`).max(maxLimit, `not within 1 and ${maxLimit}`),
  before: positionInput,
  aggregateType: aggregateType.transform((text) => (text === '' ? undefined : text)),
  idPrefix: aggregateId,
  waitForPosition: positionInput,
});

/** Lists aggregates, what changed last first. Throws `projection_lagging` when the list does not reach the position asked for in time. */
export const listAggregates = (deps: AggregateDeps): Rpc<logV1.ListAggregatesRequest, logV1.ListAggregatesResponse> =>
  rpc('log.read', async (request, { signal }) => {
    const { limit: asked, before, waitForPosition, ...filter } = parseInput(requestSchema, request);
    await waitForSummaries(deps, waitForPosition, signal);
    const limit = asked === 0 ? defaultLimit : asked;
    const read = await queryAggregates(deps.sql, filter, { before, limit: limit + 1 });
    const aggregates = read.slice(0, limit);
    return { aggregates: aggregates.map(aggregateMessage), nextBefore: read.length > limit ? (aggregates.at(-1)?.lastPosition ?? 0) : 0 };
  });
