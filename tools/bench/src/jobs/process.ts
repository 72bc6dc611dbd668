/** What `inProcesses` starts. Each task is loaded alone: what a process has in memory is part of what is measured. */
import { serve } from '../processes.js';
import type { JobTasks } from './processes.js';

serve<JobTasks>({
  changes: async (options) => (await import('./telling.js')).prepareChanges(options),
  dbosSchedules: async (options) => (await import('./dbos-schedules.js')).prepareDbosSchedules(options),
  ourLoops: async (options) => (await import('./our-loops.js')).prepareOurLoops(options),
  paced: async (options) => (await import('./telling.js')).preparePaced(options),
  relay: async (options) => (await import('../log/watching.js')).prepareRelay(options),
  run: async (options) => (await import('./running.js')).prepareRun(options),
  streams: async (options) => (await import('./telling.js')).prepareStreams(options),
});
