/**
 * The event log: appends beside message-db, Emmett and plain inserts; waking readers; catching up; rebuilding a view.
 *
 * What is compared, and on which terms. One Postgres, started for this run on a folder of its own, with fsync on and
 * all settings alike. Appends are measured in processes of their own, in rounds: each competitor has its turn in each
 * round, in changing order, and a row's ratio is the median of its rounds' ratios. Everybody appends the same event,
 * one at a time for each caller, to streams of 50 with the expected version checked, and gets a connection for each
 * caller (we have a service's pool and one appender a process, which is what a service has). Afterwards everybody's
 * events are counted, and ours have to be without a gap.
 *
 * - message-db: its function `write_message`, as a prepared statement, streams of one category: it serialises a
 *   category's writes, and that is what gives a category's readers the order that our log gives all readers. A row without a goal tells of
 *   1,000 categories, in which writers seldom meet, and without an order between categories that a reader could lean on.
 * - Emmett: `appendToStream` of its event store, as it comes.
 * - INSERT: a thousand rows in one prepared statement by one connection, in a table with an event's columns and
 *   indexes, and nothing else that makes a log: no versions to check, no command ids, no order to keep.
 *
 * None of the peers has a call that appends to several streams at once, so nothing of that kind is kept from them.
 *
 * - `notification`: our appends with a poke over NATS after each commit, beside the same appends in a database where a
 *   trigger on the log's head notifies in the transaction, as logs that wake their readers by NOTIFY do, and a listener.
 * - `latency`: from the moment the caller knows of the commit until a consumer in another process has the event: one that
 *   reads Postgres when it is poked, as projections do; one that the stream brings it, filled by a relay in a third process
 *   and flushed to disk there for every message; and the peer, which reads Postgres every 5 ms.
 * - `relay`: our relay fills an empty stream, in atomic batches; the peer reads pages of the same log and publishes each
 *   event by itself, with a message id, a hundred on their way at once. NATS flushes every message to disk.
 * - `rebuild`: a view is rebuilt beside the one that serves, from an operator's request until reads go to the new one; the
 *   peer reads the same events in pages of the same size, decodes them as a reader does, and drops them.
 * - `fanout`: an event reaches a thousand readers with a filter that rejects every second event. Ours are SSE clients, a
 *   connection each, of `/platform/v1/changes` of a whole control plane with each service in a process of its own: append,
 *   relay, stream, gateway. The peer's are core-NATS subscribers, a connection each, whose subject rejects the same events;
 *   the appender publishes the same bytes after its commit, and nothing is kept. CPU is that of the servers by /proc: the
 *   gateway and NATS beside NATS, and then with PostgreSQL and `audit`, which has projections of its own to keep.
 */
import { measureAppends } from './log/appends.js';
import { measureFanout } from './log/fanout.js';
import { measureLatency } from './log/latency.js';
import { measureNotification } from './log/notification.js';
import { measureRebuild } from './log/rebuild.js';
import { measureRelay } from './log/relay.js';
import { runBench } from './run.js';

await runBench({
  name: 'log',
  parts: {
    appends: measureAppends,
    notification: measureNotification,
    latency: measureLatency,
    relay: measureRelay,
    rebuild: measureRebuild,
    fanout: measureFanout,
  },
});
