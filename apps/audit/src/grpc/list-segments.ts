import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { segmentsFrom } from '../store/segments.js';
import { parseInput } from './input.js';
import { positionInput } from './log-events.js';
import { sealingMessage, segmentMessage, type SegmentsDeps } from './segments.js';

const defaultLimit = 50;
const maxLimit = 200;
const requestSchema = z.object({
  after: positionInput,
  limit: z.int().min(0, `not within 1 and ${maxLimit}`).max(maxLimit, `not within 1 and ${maxLimit}`),
});

/** Lists sealed segments, the oldest first, and tells how far sealing has come. */
export const listSegments = (deps: SegmentsDeps): Rpc<chainV1.ListSegmentsRequest, chainV1.ListSegmentsResponse> =>
  rpc('audit.read', async (request) => {
    const { after, limit: asked } = parseInput(requestSchema, request);
    const limit = asked === 0 ? defaultLimit : asked;
    const found = await segmentsFrom(deps.sql, after + 1, limit + 1);
    const page = found.slice(0, limit);
    return {
      segments: page.map(segmentMessage),
      nextAfter: found.length > limit ? (page.at(-1)?.to ?? 0) : 0,
      sealing: await sealingMessage(deps),
    };
  });
