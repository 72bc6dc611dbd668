import { z } from 'zod';
import type { projectionsV1 } from '@fairlead/contracts';
import type { EpochState, ProjectionState } from '@fairlead/event-log';
import { rpc, type Rpc } from '@fairlead/rpc';
import { decide, type Decision, type ProjectionDeps } from '../projection-control.js';
import { parseInput } from './input.js';

export const projectionName = z.string().min(1, 'required').max(100, 'longer than 100 characters');
/** Which projection, and why. */
const decisionInput = z.object({
  name: projectionName,
  reason: z.string().trim().min(1, 'required: say why').max(500, 'longer than 500 characters'),
});

/** What a projection does, in one word. */
export function stateOf({ paused, rebuildRequested, epochs }: ProjectionState): 'paused' | 'stopped' | 'rebuilding' | 'running' {
  if (paused) return 'paused';
  if (epochs.some(({ stopped }) => stopped !== null)) return 'stopped';
  return rebuildRequested || epochs.some(({ serving }) => !serving) ? 'rebuilding' : 'running';
}

/** A projection on the wire. */
export function projectionMessage(projection: ProjectionState): projectionsV1.Projection {
  const { name, owner, paused, lag, lagSeconds, updatedAt, epochs, rebuildRequested } = projection;
  return {
    ...{ name, owner, paused, lag, lagSeconds, rebuildRequested },
    state: stateOf(projection),
    position: epochs.find(({ serving }) => serving)?.position ?? 0,
    updatedAt: updatedAt.toISOString(),
    epochs: epochs.map(epochMessage),
  };
}

function epochMessage({ stopped, rebuild, updatedAt: _, ...epoch }: EpochState): projectionsV1.Epoch {
  return {
    ...epoch,
    stopped: stopped === null ? undefined : { ...stopped, since: stopped.since.toISOString() },
    rebuild:
      rebuild === null
        ? undefined
        : {
            fromPosition: rebuild.from,
            head: rebuild.head,
            eventsPerSecond: rebuild.eventsPerSecond ?? 0,
            startedAt: rebuild.startedAt.toISOString(),
          },
  };
}

/** An RPC that does what an operator decided about a projection; see `decide` for what it throws. */
export function decisionRpc<Request extends { name: string; reason: string }>(
  deps: ProjectionDeps,
  decisionOf: (request: Request) => Decision,
): Rpc<Request, { projection: projectionsV1.Projection; position: number }> {
  return rpc('projection.manage', async (request) => {
    const { name, reason } = parseInput(decisionInput, request);
    const { projection, position } = await decide(deps, name, decisionOf(request), reason);
    return { projection: projectionMessage(projection), position };
  });
}
