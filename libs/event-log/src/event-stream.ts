/**
 * The stream EVT: made with the first sequence that is worth having, and marked with the incarnation of the log it
 * mirrors. A stream of an earlier incarnation is replaced; one of a later incarnation is left alone, because its
 * positions may mean other events. It is used only while its last message is the log's event at that position. One that
 * lost messages is replaced too: those who follow it would wait for them in vain, or pass over them.
 */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { ensureStream, findStream, streamConfig, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { incarnationHeader } from './event-message.js';
import { agreesWithLog, LogApart } from './fork.js';
import { readHead } from './read.js';
import { lossOf } from './stream-loss.js';

/** In the stream's metadata, as on its messages. */
const incarnationKey = incarnationHeader;

export interface EventStreamOptions {
  sql: Sql;
  messaging: Messaging;
  logger: Logger;
}

export interface OpenedStream {
  /** Its last sequence. */
  last: number;
  /** The log's incarnation, which the stream is of too. */
  incarnation: string;
  /** Whether the server takes several messages together or not at all. */
  atomic: boolean;
}

/**
 * Makes sure of the stream and answers where it stands. Throws LogApart when it holds an event of this incarnation
 * that the log does not, and an error that says why when it can't be used for another reason.
 */
export async function openEventStream(options: EventStreamOptions): Promise<OpenedStream> {
  const { sql, messaging, logger } = options;
  const manager = await messaging.manager();
  const spec = messaging.topology.streams.evt;
  const { incarnation } = await readHead(sql);
  let info = await findStream(manager, spec.name);
  const found = info === undefined ? '' : eventStreamIncarnation(info);
  if (info !== undefined && found > incarnation) {
    throw new Error(
      `stream ${spec.name} belongs to a later incarnation of the log than this database holds: is it a copy, or an older backup? npm run db:restored begins a later one`,
    );
  }
  if (info !== undefined && found < incarnation) {
    logger.warn({ stream: spec.name, found, incarnation }, 'the stream belongs to an earlier incarnation of the log; it is replaced');
    await manager.streams.delete(spec.name);
    info = undefined;
  }
  if (info === undefined) await makeStream(manager, incarnation, options);
  const asked = { ...streamConfig(spec, { replicas: messaging.replicas }), ...(takesBatches(messaging) ? { allow_atomic: true } : {}) };
  const { info: kept } = await ensureStream(manager, asked, logger);
  const { config, state } = kept;
  // Read after the stream's state: a stream filled from this log can not be ahead of it.
  const head = await readHead(sql);
  if (head.incarnation !== incarnation || config.metadata?.[incarnationKey] !== incarnation) {
    throw new Error(`stream ${spec.name} or the log has changed its incarnation meanwhile`);
  }
  const apart = { sql, manager, stream: spec.name, incarnation, first: state.first_seq, last: state.last_seq, head: head.position };
  if (state.last_seq > head.position) throw new LogApart({ ...apart, cause: 'log_behind_stream' });
  if (!(await agreesWithLog(apart, state.last_seq))) throw new LogApart({ ...apart, cause: 'log_differs_from_stream' });
  const lost = await lossOf({ sql, info: kept, maxAgeMs: spec.maxAgeMs });
  if (lost !== undefined) {
    logger.error({ stream: spec.name, lost }, 'the stream has lost messages; it is replaced, and filled from the log');
    // Another relay may have replaced it already.
    const now = await findStream(manager, spec.name);
    if (now?.created === kept.created) await manager.streams.delete(spec.name);
    throw new Error(`stream ${spec.name} had lost messages: ${lost}`);
  }
  return { last: state.last_seq, incarnation, atomic: config.allow_atomic === true };
}

/** Which incarnation of the log a stream says that it mirrors; empty when it does not say. */
export function eventStreamIncarnation(info: Pick<StreamInfo, 'config'>): string {
  return info.config.metadata?.[incarnationKey] ?? '';
}

/** The stream's last sequence now; -1 when there is no stream. */
export async function lastSequence(messaging: Messaging): Promise<number> {
  const info = await findStream(await messaging.manager(), messaging.topology.streams.evt.name);
  return info?.state.last_seq ?? -1;
}

/** Servers before 2.12 pass over the setting in silence; what comes back in the stream's configuration decides. */
function takesBatches(messaging: Messaging): boolean {
  const [major = 0, minor = 0] = (messaging.connection?.info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 12);
}

async function makeStream(
  manager: JetStreamManager,
  incarnation: string,
  { sql, messaging, logger }: EventStreamOptions,
): Promise<StreamInfo> {
  const spec = messaging.topology.streams.evt;
  const firstSequence = await firstPositionSince(sql, new Date(Date.now() - spec.maxAgeMs));
  const config = { ...streamConfig(spec, { replicas: messaging.replicas, firstSequence }), metadata: { [incarnationKey]: incarnation } };
  try {
    const made = await manager.streams.add(config);
    logger.info({ stream: spec.name, first_sequence: firstSequence }, 'the event stream was made');
    return made;
  } catch (error) {
    // Another relay may have made it at the same moment.
    const again = await findStream(manager, spec.name);
    if (again === undefined) throw error;
    return again;
  }
}

/** The first position recorded since a time; one after the last when there is none. Times grow with positions. */
export async function firstPositionSince(sql: Sql, since: Date): Promise<number> {
  const head = await readHead(sql);
  let [low, high] = [1, head.position + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await sql.query<{ old: boolean }>('select recorded_at < $2 as old from log.event where position = $1', [middle, since]);
    if (row?.old === true) low = middle + 1;
    else high = middle;
  }
  return low;
}
