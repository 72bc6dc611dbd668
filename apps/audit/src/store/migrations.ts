import type { MigrationClass } from '@fairlead/postgres';
import { Record1763700000000 } from './1763700000000-record.js';
import { Projections1763710000000 } from './1763710000000-projections.js';
import { Chain1763720000000 } from './1763720000000-chain.js';
import { RecordResource1763730000000 } from './1763730000000-record-resource.js';
import { Segments1763740000000 } from './1763740000000-segments.js';
import { RecordAddress1763750000000 } from './1763750000000-record-address.js';

/** The audit schema's migrations, in order. */
export const migrations: readonly MigrationClass[] = [
  Record1763700000000,
  Projections1763710000000,
  Chain1763720000000,
  RecordResource1763730000000,
  Segments1763740000000,
  RecordAddress1763750000000,
];
