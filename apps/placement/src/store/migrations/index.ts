import type { MigrationClass } from '@fairlead/postgres';
import { TenantPlacement1763700000000 } from './1763700000000-tenant-placement.js';
import { IdempotencyKeys1763780000000 } from './1763780000000-idempotency-keys.js';
import { ConfigRegistry1765200000000 } from './1765200000000-config-registry.js';
import { TenantBalance1765400000000 } from './1765400000000-tenant-balance.js';
import { Definitions1765520000000 } from './1765520000000-definitions.js';
import { ConfigChanges1765530000000 } from './1765530000000-config-changes.js';
import { ShardCapacity1765540000000 } from './1765540000000-shard-capacity.js';

/** The service's migrations, oldest first. */
export const migrations: readonly MigrationClass[] = [
  TenantPlacement1763700000000,
  IdempotencyKeys1763780000000,
  ConfigRegistry1765200000000,
  TenantBalance1765400000000,
  Definitions1765520000000,
  ConfigChanges1765530000000,
  ShardCapacity1765540000000,
];
