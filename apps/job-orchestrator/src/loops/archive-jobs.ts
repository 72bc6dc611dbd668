/** Keeps the tables small that claims and transitions look at. */
import type { LoopKind } from '../engine/loops.js';
import { archiveJobs, forgetJobs } from '../store/archive.js';
import type { LoopDependencies } from './dependencies.js';

/** Rows in one statement, so that it holds up nobody. */
const most = 500;

export function archiveJobsLoop({ db, settings }: LoopDependencies): LoopKind {
  return {
    kind: 'archive-jobs',
    intervalMs: 15_000,
    batch: 1,
    timeoutMs: 60_000,
    check: async (_rows, signal) => {
      while (!signal.aborted && (await archiveJobs(db, { afterMs: settings.archiveAfterMs, most })) === most);
      while (!signal.aborted && (await forgetJobs(db, { afterMs: settings.keepArchivedMs, most })) >= most);
      return new Map([['', undefined]]);
    },
  };
}
