import type { Database } from '@fairlead/postgres';
import type { EndpointPolicy } from '../tenants/endpoint-policy.js';
import type { Publication } from '../tenants/publication.js';

/** What the RPCs work with. */
export interface Deps {
  readonly database: Database;
  readonly endpoints: EndpointPolicy;
  readonly publication: Pick<Publication, 'changed'>;
}
