/** The processes that the bench of the log measures in. */
import { processesOf } from '../processes.js';
import type { AnnounceOptions } from './announcing.js';
import type { Appended, AppendingOptions } from './appending.js';
import type { ReadOptions } from './reading.js';
import type { PaceOptions, RelayOptions, Times, WatchOptions } from './watching.js';

export interface LogTasks {
  announce: { options: AnnounceOptions; result: Times };
  append: { options: AppendingOptions; result: Appended };
  pace: { options: PaceOptions; result: Times };
  read: { options: ReadOptions; result: Times };
  relay: { options: RelayOptions; result: Times };
  watch: { options: WatchOptions; result: Times };
}

export const inProcesses = processesOf<LogTasks>(new URL('./process.js', import.meta.url));
