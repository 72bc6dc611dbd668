/**
 * The event log: appends beside message-db, Emmett and plain inserts, with a check that nothing was lost.
 *
 * What is compared, and on which terms. One Postgres, started for this run on a folder of its own, with fsync on and
 * all settings alike. Every measurement runs in processes of its own, in rounds: each competitor has its turn in each
 * round, in changing order, and a row's ratio is the median of its rounds' ratios. Everybody appends the same event,
 * one at a time for each caller, to streams of 50 with the expected version checked, and gets a connection for each
 * caller (we have a service's pool and one appender a process, which is what a service has).
 *
 * - message-db: its function `write_message`, as a prepared statement, streams of one category: it serialises a
 *   category's writes, and that is what gives a category's readers the order that our log gives all readers.
 * - Emmett: `appendToStream` of its event store, as it comes.
 * - INSERT: a thousand rows in one prepared statement by one connection, in a table with an event's columns and
 *   indexes, and nothing else that makes a log: no versions to check, no command ids, no order to keep.
 *
 * None of the peers has a call that appends to several streams at once, so nothing of that kind is kept from them.
 */
import { measureAppends } from './log/appends.js';
import { runBench } from './run.js';

await runBench({ name: 'log', parts: { appends: measureAppends } });
