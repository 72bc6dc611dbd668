import type { projectionsV1 } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import type { ProjectionDeps } from '../projection-control.js';
import { decisionRpc } from './projections.js';

/** Lets a paused projection go on. See `decide` for what it throws. */
export const resumeProjection = (
  deps: ProjectionDeps,
): Rpc<projectionsV1.ResumeProjectionRequest, projectionsV1.ResumeProjectionResponse> => decisionRpc(deps, () => ({ what: 'resume' }));
