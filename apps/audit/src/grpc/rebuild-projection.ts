import type { projectionsV1 } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import type { ProjectionDeps } from '../projection-control.js';
import { decisionRpc } from './projections.js';

/** Asks for a new epoch to be filled and swapped in. See `decide` for what it throws. */
export const rebuildProjection = (
  deps: ProjectionDeps,
): Rpc<projectionsV1.RebuildProjectionRequest, projectionsV1.RebuildProjectionResponse> => decisionRpc(deps, () => ({ what: 'rebuild' }));
