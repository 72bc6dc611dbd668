import type { Database } from '@fairlead/postgres';
import type { EndpointPolicy } from '../../tenants/endpoint-policy.js';

/** What the registry's RPCs work with. */
export interface ConfigDeps {
  readonly database: Database;
  readonly endpoints: EndpointPolicy;
}
