/**
 * Propagation: one tenant's move to a thousand readers, a quiet second, and a new reader's full load, beside `kv.watch()`.
 *
 * What is compared, and on which terms. The readers are in one process, a connection each; who moves is in another. Each turn has a nats-server of its own, which
 * flushes every acknowledged message to disk. Both sides hold the same seats, and take turns in changing order. A row's ratio is the median of its rounds'
 * ratios. Afterwards each reader is asked for every seat, and has to show the last move of each.
 *
 * - `moves`: a tenant's seat is put, until each of the readers shows it; then another one's. From the moment that the put begins; p50 and p99 over all readers and
 *   moves of a round. CPU is that of the nats-server, by /proc, from the first move until all have all, by deliveries: storing included. Bytes are those that
 *   the readers' process read.
 *   - ours: `publish` of libs/placement-map, which writes the seat's chunk and the marker and then tells the increment; readers are those of libs/placement-reader.
 *   - the peer: `put` of @nats-io/kv under a key of the seat, and its `watch()` with all that comes with it.
 * - `quiet`: what the same readers cost the nats-server when nothing moves. Ours are told every three seconds what is in force, as the placement service does it; watchers get a heartbeat every five.
 * - `load`: 50,000 tenants of three kinds, until a new reader shows all of them. The peer's watcher has had the initial value of every key.
 */
import { measureLoad } from './propagation/load.js';
import { measureMoves, measureQuiet } from './propagation/moves.js';
import { runBench } from './run.js';

await runBench({ name: 'propagation', parts: { moves: measureMoves, quiet: measureQuiet, load: measureLoad } });
