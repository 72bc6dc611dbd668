import type { logV1 } from '@fairlead/contracts';
import { eventStreamIncarnation, firstPositionSince, listProjections, readHead } from '@fairlead/event-log';
import { findStream, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { countTypes, lastRecordedAt, readIncarnations, readPartitions, readTableSizes } from '../store/log-stats.js';
import { projectionMessage } from './projections.js';

export interface StatsDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
}

const windows = { minute: 60, hour: 3_600, day: 86_400 } as const;

/** Where the log stands: its head, how fast it grows, of what it is made, how far its readers are. */
export const getStats = ({ sql, messaging }: StatsDeps): Rpc<logV1.GetStatsRequest, logV1.GetStatsResponse> =>
  rpc('log.read', async () => {
    const { position: head, incarnation } = await readHead(sql);
    const [recordedAt, rates, { types, estimated }, incarnations, partitions, tables, projections, stream] = await Promise.all([
      lastRecordedAt(sql, head),
      readRates(sql, head),
      countTypes(sql, head),
      readIncarnations(sql),
      readPartitions(sql),
      readTableSizes(sql),
      listProjections(sql),
      readStream(messaging, head).catch(() => undefined),
    ]);
    return {
      head,
      incarnation,
      recordedAt: recordedAt?.toISOString() ?? '',
      incarnations: incarnations.map(({ beganAt, ...incarnation }) => ({ ...incarnation, beganAt: beganAt.toISOString() })),
      rates,
      types,
      typesEstimated: estimated,
      partitions,
      stream,
      projections: projections.map(projectionMessage).map(({ name, position, lag, state }) => ({ name, position, lag, state })),
      tables,
    };
  });

/** By this service's clock: an event's time is its transaction's. */
async function readRates(sql: Sql, head: number): Promise<logV1.Rate[]> {
  return Promise.all(
    Object.entries(windows).map(async ([window, seconds]) => {
      const first = await firstPositionSince(sql, new Date(Date.now() - seconds * 1_000));
      const events = Math.max(0, head - first + 1);
      return { window, events, perSecond: events / seconds };
    }),
  );
}

async function readStream(messaging: Messaging, head: number): Promise<logV1.EventStream | undefined> {
  const info = await findStream(await messaging.manager(), messaging.topology.streams.evt.name);
  if (info === undefined) return undefined;
  const { first_seq: firstPosition, last_seq: lastPosition, messages, bytes } = info.state;
  return {
    name: info.config.name,
    incarnation: eventStreamIncarnation(info),
    firstPosition,
    lastPosition,
    messages,
    bytes,
    lag: Math.max(0, head - lastPosition),
  };
}
