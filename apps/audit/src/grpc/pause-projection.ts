import type { projectionsV1 } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import type { ProjectionDeps } from '../projection-control.js';
import { decisionRpc } from './projections.js';

/** Has the workers of a projection stop after the page at hand. See `decide` for what it throws. */
export const pauseProjection = (deps: ProjectionDeps): Rpc<projectionsV1.PauseProjectionRequest, projectionsV1.PauseProjectionResponse> =>
  decisionRpc(deps, () => ({ what: 'pause' }));
