/**
 * Placement: rebalancing of many tenants beside two ways of hashing them, and the number of moves beside the optimum.
 *
 * What is compared, and on which terms. Everything is computed in this process, from seeded data.
 *
 * - `rebalance`: 50,000 tenants on 200 shards, their loads by Zipf's law with exponents of 0.6, 0.8 and 1.0, at first where a hash puts
 *   them. Then they are rebalanced; loads drift (each by a factor of its own, by a log-normal law) and they are rebalanced; 20 shards come, and they are
 *   rebalanced; five shards are emptied one after the other. Each plan is checked: its moves lead to the loads that it tells, and a second plan has none.
 *   - The ratio is a shard's load over the mean, or over its largest tenant where that is more: the largest tenants are up to 18 times
 *     the mean, and nobody can make a shard smaller than one tenant. The highest of all shards after all phases counts. The ratio over the mean alone has a row of its own.
 *   - Rendezvous hashing: a tenant is where the hash of both is highest. It knows no loads, so it moves tenants only when shards come and go.
 *   - Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016): 100 points of each shard on a ring; a tenant is at the first
 *     shard from its own point on that has room for it under 1.05 of the mean, in the order of the tenants' hashes; one that fits nowhere is at its first. It is computed anew in each phase.
 *   - Moves are those after the start, when all three have put all tenants somewhere: a tenant of a shard that is emptied counts for all.
 *   - The time is that of one plan, the slowest phase's, median of the rounds.
 * - `optimum`: small cases (4 to 6 shards, 12 to 40 tenants, whole numbers as loads) beside the fewest moves that bring all shards within the limit,
 *   found by HiGHS as a mixed-integer program, and proven. Cases without such a solution, or without a need to move, are left out. Both solutions are checked.
 */
import { measureOptimum } from './placement/optimum.js';
import { measureRebalance } from './placement/rebalance.js';
import { runBench } from './run.js';

await runBench({ name: 'placement', parts: { rebalance: measureRebalance, optimum: measureOptimum } });
