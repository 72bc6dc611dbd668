import { z } from 'zod';
import { FairleadError, type logV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { getAggregate as queryAggregate } from '../projections/aggregate-summary/query.js';
import { aggregateId, aggregateMessage, aggregateType, waitForSummaries, type AggregateDeps } from './aggregates.js';
import { parseInput } from './input.js';
import { positionInput } from './log-events.js';

const requestSchema = z.object({
  aggregateType: aggregateType.min(1, 'required'),
  aggregateId: aggregateId.min(1, 'required'),
  waitForPosition: positionInput,
});

/** One aggregate. Throws `aggregate_not_found` when no event of it is known, and `projection_lagging`. */
export const getAggregate = (deps: AggregateDeps): Rpc<logV1.GetAggregateRequest, logV1.GetAggregateResponse> =>
  rpc('log.read', async (request, { signal }) => {
    const { aggregateType: type, aggregateId: id, waitForPosition } = parseInput(requestSchema, request);
    await waitForSummaries(deps, waitForPosition, signal);
    const found = await queryAggregate(deps.sql, type, id);
    if (found === undefined) throw new FairleadError('aggregate_not_found', `The log knows no event of ${type}:${id}`);
    return { aggregate: aggregateMessage(found) };
  });
