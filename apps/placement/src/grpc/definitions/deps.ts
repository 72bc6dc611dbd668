import type { Database, Idempotency } from '@fairlead/postgres';

/** What the RPCs of definitions work with. */
export interface DefinitionDeps {
  readonly database: Database;
}

/** What those that change something work with. */
export interface DefinitionChangeDeps extends DefinitionDeps {
  readonly idempotency: Idempotency;
  /** To be called after each commit that appended an event, with its position. */
  readonly committed: (position: number) => void;
}
