/** Connections to a database of ours, as a service has them. */
import { openDatabase } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';

/** A pool of a service's size on a database with the event log. */
export function openOurDatabase(url: string, { schema = 'placement', poolSize = 10 } = {}) {
  const { password } = new URL(url);
  const logger = createLogger({ service: 'bench', level: 'silent' });
  return openDatabase({ url, password, schema, applicationName: 'bench', poolSize, logger });
}
