import { Jobs1763700000000 } from './1763700000000-jobs.js';
import { Engine1764000000000 } from './1764000000000-engine.js';
import { IdempotencyKeys1764300000000 } from './1764300000000-idempotency-keys.js';
import { NoKeys1764310000000 } from './1764310000000-no-keys.js';
import { PlanKeys1764430000000 } from './1764430000000-plan-keys.js';
import { UnsearchedColumns1764450000000 } from './1764450000000-unsearched-columns.js';
import { Functions1764460000000 } from './1764460000000-functions.js';

/** In the order they are applied. */
export const migrations = [
  Jobs1763700000000,
  Engine1764000000000,
  IdempotencyKeys1764300000000,
  NoKeys1764310000000,
  PlanKeys1764430000000,
  UnsearchedColumns1764450000000,
  Functions1764460000000,
];
