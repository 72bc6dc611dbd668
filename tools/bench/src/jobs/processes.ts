/** The processes that the bench of jobs measures in. */
import type { RelayOptions, Times } from '../log/watching.js';
import { processesOf } from '../processes.js';
import type { Ran, RunOptions } from './running.js';
import type { ChangesOptions, Moments, PacedOptions, StreamsOptions } from './telling.js';
import type { Ticked, TickingOptions } from './ticking.js';

export interface JobTasks {
  changes: { options: ChangesOptions; result: Moments<number> };
  dbosSchedules: { options: TickingOptions; result: Ticked };
  ourLoops: { options: TickingOptions; result: Ticked };
  paced: { options: PacedOptions; result: Moments<number | string> };
  relay: { options: RelayOptions; result: Times };
  run: { options: RunOptions; result: Ran };
  streams: { options: StreamsOptions; result: Moments<string> };
}

export const inProcesses = processesOf<JobTasks>(new URL('./process.js', import.meta.url));
