import { z } from 'zod';
import type { projectionsV1 } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import type { ProjectionDeps } from '../projection-control.js';
import { parseInput } from './input.js';
import { decisionRpc } from './projections.js';

const input = z.object({ position: z.int().min(1, 'not a position'), epoch: z.int().min(0, 'not an epoch') });

/** Lets the event pass that a projection is stopped at. See `decide` for what it throws. */
export const skipEvent = (deps: ProjectionDeps): Rpc<projectionsV1.SkipEventRequest, projectionsV1.SkipEventResponse> =>
  decisionRpc(deps, (request) => {
    const { position, epoch } = parseInput(input, request);
    return { what: 'skip', position, epoch: epoch === 0 ? undefined : epoch };
  });
