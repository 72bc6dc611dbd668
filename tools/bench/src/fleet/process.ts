/** What `inProcesses` starts. Each task is loaded alone: what a process has in memory is part of what is measured. */
import { serve } from '../processes.js';
import type { FleetTasks } from './processes.js';

serve<FleetTasks>({
  fetchLoop: async (options) => (await import('./fetch-loop.js')).prepareFetchLoop(options),
  ours: async (options) => (await import('./ours.js')).prepareOurs(options),
});
