import type { Database } from '@fairlead/postgres';
import type { EndpointPolicy } from '../tenants/endpoint-policy.js';
import type { PlanTurns } from '../tenants/plan-turns.js';

/** What the RPCs work with. */
export interface Deps {
  readonly database: Database;
  readonly endpoints: EndpointPolicy;
  readonly planTurns: PlanTurns;
  /** Why changes do not reach KV at present; undefined when they do. */
  readonly publicationProblem: () => string | undefined;
  /** To be called after each commit that appended an event, with its position: publishes and tells the log's readers. */
  readonly committed: (position: number) => void;
}
