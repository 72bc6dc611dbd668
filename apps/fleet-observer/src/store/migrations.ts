import type { MigrationClass } from '@fairlead/postgres';
import { Snapshot1763700000000 } from './migrations/1763700000000-snapshot.js';
import { EndpointHistory1765300000000 } from './migrations/1765300000000-endpoint-history.js';
import { PlacementVersion1765600000000 } from './migrations/1765600000000-placement-version.js';

/** The schema's migrations, oldest first. */
export const migrations: readonly MigrationClass[] = [Snapshot1763700000000, EndpointHistory1765300000000, PlacementVersion1765600000000];
