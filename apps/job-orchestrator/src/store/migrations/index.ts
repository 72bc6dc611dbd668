import { Jobs1763700000000 } from './1763700000000-jobs.js';

/** In the order they are applied. */
export const migrations = [Jobs1763700000000];
