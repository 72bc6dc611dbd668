import { z } from 'zod';
import type { logV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { verifyRange, type VerifyDeps } from '../verify.js';
import { parseInput } from './input.js';
import { positionInput } from './log-events.js';

const requestSchema = z
  .object({ fromPosition: positionInput, toPosition: positionInput })
  .refine(({ fromPosition, toPosition }) => toPosition === 0 || toPosition >= fromPosition, 'the range ends before it begins');

/** Checks a bounded range of the log; the caller goes on from `next_position`. */
export const verifyLogRange = (deps: VerifyDeps): Rpc<logV1.VerifyRangeRequest, logV1.VerifyRangeResponse> =>
  rpc('log.read', async (request) => {
    const { fromPosition: from, toPosition: to } = parseInput(requestSchema, request);
    const checked = await verifyRange(deps, { from, to });
    return {
      fromPosition: checked.from,
      toPosition: checked.to,
      head: checked.head,
      nextPosition: checked.next ?? 0,
      findings: [...checked.findings],
      streamCompared: checked.streamCompared,
      streamProblem: checked.streamProblem,
    };
  });
