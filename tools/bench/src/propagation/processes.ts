/** The processes that this bench measures in. */
import type { Times } from '../log/watching.js';
import { processesOf } from '../processes.js';
import type { MoveOptions, ReadOptions, Shown } from './tasks.js';

export interface PropagationTasks {
  move: { options: MoveOptions; result: Times };
  read: { options: ReadOptions; result: Shown };
}

export const inProcesses = processesOf<PropagationTasks>(new URL('./process.js', import.meta.url));
