/** The processes that the bench of the fleet measures in. */
import { processesOf } from '../processes.js';
import type { Collected, CollectOptions } from './ours.js';

export interface FleetTasks {
  fetchLoop: { options: CollectOptions; result: Collected };
  ours: { options: CollectOptions & { databaseUrl: string }; result: Collected };
}

export const inProcesses = processesOf<FleetTasks>(new URL('./process.js', import.meta.url));
