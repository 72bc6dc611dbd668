import type { Database } from '@fairlead/postgres';
import type { EndpointPolicy } from '../../tenants/endpoint-policy.js';

/** What the registry's RPCs work with. */
export interface ConfigDeps {
  readonly database: Database;
  readonly endpoints: EndpointPolicy;
}

/** What those that change something work with. */
export interface ConfigChangeDeps {
  readonly database: Database;
  /** To be called after each commit that appended an event, with its position: publishes and tells the log's readers. */
  readonly committed: (position: number) => void;
}
