/** What `inProcesses` starts. */
import { serve } from '../processes.js';
import type { PropagationTasks } from './processes.js';
import { prepareMove, prepareRead } from './tasks.js';

serve<PropagationTasks>({ move: prepareMove, read: prepareRead });
