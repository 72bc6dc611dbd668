/** What `inProcesses` starts. */
import { serve } from '../processes.js';
import { prepareAnnounce } from './announcing.js';
import { prepareAppending } from './appending.js';
import type { LogTasks } from './processes.js';
import { prepareRead } from './reading.js';
import { preparePace, prepareRelay, prepareWatch } from './watching.js';

serve<LogTasks>({
  announce: prepareAnnounce,
  append: prepareAppending,
  pace: preparePace,
  read: prepareRead,
  relay: prepareRelay,
  watch: prepareWatch,
});
