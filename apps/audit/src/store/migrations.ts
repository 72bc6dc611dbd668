import type { MigrationClass } from '@fairlead/postgres';
import { Record1763700000000 } from './1763700000000-record.js';
import { Projections1763710000000 } from './1763710000000-projections.js';

/** The audit schema's migrations, in order. */
export const migrations: readonly MigrationClass[] = [Record1763700000000, Projections1763710000000];
