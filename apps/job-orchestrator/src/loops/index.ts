import type { LoopKind } from '../engine/loops.js';
import { archiveJobsLoop } from './archive-jobs.js';
import type { LoopDependencies } from './dependencies.js';
import { overdueJobsLoop } from './overdue-jobs.js';
import { schedulesLoop } from './schedules.js';

/** Every kind of periodic check there is. A new one is a file beside these and a line here. */
export function loopKinds(deps: LoopDependencies): LoopKind[] {
  return [archiveJobsLoop(deps), overdueJobsLoop(deps), schedulesLoop(deps)];
}
