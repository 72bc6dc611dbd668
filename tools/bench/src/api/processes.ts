/** The processes that the bench of the API measures in. */
import { processesOf } from '../processes.js';
import type { Loaded, LoadOptions } from './load.js';
import type { Asked, PermissionsOptions } from './permissions.js';

export interface ApiTasks {
  load: { options: LoadOptions; result: Loaded };
  permissions: { options: PermissionsOptions; result: Asked };
}

export const inProcesses = processesOf<ApiTasks>(new URL('./process.js', import.meta.url));
