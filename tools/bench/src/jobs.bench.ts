/**
 * Jobs: throughput, cost and first steps beside DBOS, pg-boss and graphile-worker; events of steps; periodic checks.
 *
 * What is compared, and on which terms. One Postgres, started for this run on a folder of its own, with fsync on, all settings alike, and the
 * memory that the stack gives it; a
 * database for each engine, and a pool of 20 connections, which is what our service has. Everybody runs the same jobs of five steps, for
 * tenants of whom each caller has fifty. Engines take turns in rounds, in changing order, and a row's ratio is the median of its rounds'
 * ratios. Afterwards no engine's tables hold a job that has not ended well, and each step of each job was done once.
 *
 * - `throughput`: so many callers in one process, which also runs the jobs; each starts its next job when the last step of the one before has
 *   run, for 6 s after 4 s of warming up. A second goes by until the last job has ended. Once a step is counted in memory, which leaves the engine alone, and once it commits a
 *   row of its own on a connection of its own. From start to first step: from the call that starts the job; our plan, made
 *   before, counts in throughput and cost. CPU, by /proc, is that of the process, of PostgreSQL, and of ours also NATS and the relay.
 *   - ours: a plan and a start for each job, locks, all events in the log, and a relay in a process of its own that publishes them to NATS,
 *     where every message is flushed to disk; the turn ends when the stream has all of them.
 *   - DBOS: a workflow started and run in the process, its quickest way, with five recorded steps; its id is the job's, it locks nothing.
 *   - pg-boss: a chain of jobs with the tenant as singleton key (one active at a time), all that is found taken, sent on and ended together.
 *   - graphile-worker: a chain of jobs in a queue of the tenant; 64 workers. With one it rests between steps until it polls, so it
 *     has no row there.
 * - `events`: steps of 100 ms of ten jobs at once. Ours: from the moment the engine knows of the commit until an SSE client of
 *   `/platform/v1/changes`, with a whole control plane between them, each service in a process of its own. DBOS: from the moment that
 *   `writeStream` in the workflow resolves until `readStream` gives it: of its client, which polls, and of another process with DBOS launched, which
 *   Postgres notifies.
 * - `loops`: our periodic checks, rows of one loop, beside DBOS's schedules, a sixth as many, spread over the seconds. Transactions are the
 *   database's own count. A turn is missed when it was not taken five seconds after it was due.
 */
import { measureEvents } from './jobs/events.js';
import { measureLoops } from './jobs/loops.js';
import { measureThroughput } from './jobs/throughput.js';
import { runBench } from './run.js';

await runBench({ name: 'jobs', parts: { throughput: measureThroughput, events: measureEvents, loops: measureLoops } });
