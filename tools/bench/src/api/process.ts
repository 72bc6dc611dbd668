/** What `inProcesses` starts. */
import { serve } from '../processes.js';
import { prepareLoad } from './load.js';
import { preparePermissions } from './permissions.js';
import type { ApiTasks } from './processes.js';

serve<ApiTasks>({ load: prepareLoad, permissions: preparePermissions });
