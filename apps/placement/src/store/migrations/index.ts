import type { MigrationClass } from '@fairlead/postgres';
import { TenantPlacement1763700000000 } from './1763700000000-tenant-placement.js';
import { IdempotencyKeys1763780000000 } from './1763780000000-idempotency-keys.js';

/** The service's migrations, oldest first. */
export const migrations: readonly MigrationClass[] = [TenantPlacement1763700000000, IdempotencyKeys1763780000000];
