/**
 * The fleet's health: what the collector costs beside vmagent, at 2,000 endpoints.
 *
 * What is compared, and on which terms. Two processes are 2,000 endpoints, each at an address of its own (127.x.y.z), with health and readiness
 * that answer nothing but 200 and metrics of some 250 lines, as a service with Node's and its own has them; they keep connections open. Everybody asks
 * health and readiness every 10 s and metrics every 30 s, spread over the interval, for so many whole cycles of metrics after all were asked
 * once. Both take turns in rounds, each in a process of its own. The endpoints count what they are asked: in each window each path is asked once for each
 * endpoint and interval, up to a fiftieth.
 *
 * - `collector`: CPU, by the process, of a cycle of 10 s.
 *   - ours: the observer's collector as it runs in the service, with what it stores in PostgreSQL (flushed to disk) and the addresses checked.
 *     PostgreSQL's own CPU is a row by itself.
 *   - vmagent: three jobs of the same intervals, and what it has scraped sent on to a receiver that takes all and keeps nothing. It reads all metrics; it keeps no
 *     state of health beyond `up`. Where it can't be had (Debian's package), a loop of Node's `fetch` that asks the same paths in the same turns and reads the answers to their end.
 */
import { measureCollector } from './fleet/collector.js';
import { runBench } from './run.js';

await runBench({ name: 'fleet', parts: { collector: measureCollector } });
