/**
 * The stream EVT: made with the first sequence that is worth having, and marked with the incarnation of the log it
 * mirrors. A stream of an earlier incarnation is replaced; one of a later incarnation, or one that knows more than
 * the log does, is left alone, because its positions may mean other events.
 */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { ensureStream, findStream, streamConfig, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { incarnationHeader } from './event-message.js';
import { readHead } from './read.js';

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
}

/** Makes sure of the stream and answers where it stands. Throws when it can't be used, saying why. */
export async function openEventStream(options: EventStreamOptions): Promise<OpenedStream> {
  const { sql, messaging, logger } = options;
  const manager = await messaging.manager();
  const spec = messaging.topology.streams.evt;
  let info = await findStream(manager, spec.name);
  const { incarnation } = await readHead(sql);
  const found = info?.config.metadata?.[incarnationKey] ?? '';
  if (info !== undefined && found > incarnation) {
    throw new Error(`stream ${spec.name} belongs to a later incarnation of the log than this database holds`);
  }
  if (info !== undefined && found < incarnation) {
    logger.warn({ stream: spec.name, found, incarnation }, 'the stream belongs to an earlier incarnation of the log; it is replaced');
    await manager.streams.delete(spec.name);
    info = undefined;
  }
  info ??= await makeStream(manager, incarnation, options);
  await ensureStream(manager, streamConfig(spec, { replicas: messaging.replicas }), logger);
  // Read after the stream's state: a stream filled from this log can not be ahead of it.
  const { position } = await readHead(sql);
  if (info.state.last_seq > position) {
    throw new Error(
      `stream ${spec.name} is at ${String(info.state.last_seq)}, ahead of the log at ${String(position)}: was the database restored? log.begin_incarnation() begins anew`,
    );
  }
  return { last: info.state.last_seq, incarnation };
}

/** The stream's last sequence now; -1 when there is no stream. */
export async function lastSequence(messaging: Messaging): Promise<number> {
  const info = await findStream(await messaging.manager(), messaging.topology.streams.evt.name);
  return info?.state.last_seq ?? -1;
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
