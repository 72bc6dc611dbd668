import { Jobs1763700000000 } from './1763700000000-jobs.js';
import { Engine1764000000000 } from './1764000000000-engine.js';
import { Functions1764200000000 } from './1764200000000-functions.js';
import { IdempotencyKeys1764300000000 } from './1764300000000-idempotency-keys.js';

/** In the order they are applied. */
export const migrations = [Jobs1763700000000, Engine1764000000000, Functions1764200000000, IdempotencyKeys1764300000000];
