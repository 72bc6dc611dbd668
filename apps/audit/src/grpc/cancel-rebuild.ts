import type { projectionsV1 } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import type { ProjectionDeps } from '../projection-control.js';
import { decisionRpc } from './projections.js';

/** Gives a rebuild up; the epoch that serves stays. See `decide` for what it throws. */
export const cancelRebuild = (deps: ProjectionDeps): Rpc<projectionsV1.CancelRebuildRequest, projectionsV1.CancelRebuildResponse> =>
  decisionRpc(deps, () => ({ what: 'cancel-rebuild' }));
