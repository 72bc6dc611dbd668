import { describeError } from '@fairlead/contracts';
import { eventStreamIncarnation, listProjections, readEventsAt, readHead } from '@fairlead/event-log';
import { findStream, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import {
  limits,
  severityOf,
  stuckChain,
  stuckConsumer,
  stuckPartitions,
  stuckProjection,
  stuckSealing,
  type ConsumerFacts,
  type Stuck,
} from './domain/stuck.js';
import { unpostedSeconds } from './store/anchors.js';
import { readChainState } from './store/chain.js';
import { readSealing } from './store/segments.js';
import { readRoom } from './store/log-stats.js';

export interface StuckDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
  /** Why no anchors are made of the audit chain; undefined when they are. */
  readonly anchorsStopped?: () => string | undefined;
  /** Anchors are posted to a receiver. */
  readonly postsAnchors?: boolean;
}

/** What is stuck, and what could not be looked at. */
export interface StuckReport {
  readonly findings: readonly Stuck[];
  readonly notChecked: readonly { readonly what: string; readonly why: string }[];
}

const checks: Readonly<Record<string, (deps: StuckDeps, now: Date) => Promise<Stuck[]>>> = {
  projections: async ({ sql }, now) => (await listProjections(sql)).flatMap((projection) => stuckProjection(projection, now)),
  partitions: async ({ sql }) => stuckPartitions(await readRoom(sql)),
  relay: checkRelay,
  consumers: checkConsumers,
  dead_letters: checkDeadLetters,
  audit_chain: checkChain,
  sealing: checkSealing,
};

/** Looks at all that may get stuck. A part that can't be looked at is told, and harms no other. */
export async function findStuck(deps: StuckDeps, now: Date): Promise<StuckReport> {
  const away: Stuck[] = deps.messaging.connected()
    ? []
    : [
        {
          ...{ what: 'nats_away', subject: 'NATS', severity: 'critical', since: undefined },
          message: 'audit has no connection to NATS: events are kept, but not passed on',
          advice: 'start it; nothing is lost, streams are filled from the log',
        },
      ];
  const results = await Promise.all(
    Object.entries(checks).map(async ([what, check]) => {
      try {
        return { findings: await check(deps, now), notChecked: [] };
      } catch (error) {
        return { findings: [], notChecked: [{ what, why: describeError(error) }] };
      }
    }),
  );
  return {
    findings: [...away, ...results.flatMap(({ findings }) => findings)],
    notChecked: results.flatMap(({ notChecked }) => notChecked),
  };
}

async function checkChain({ sql, anchorsStopped, postsAnchors = false }: StuckDeps, now: Date): Promise<Stuck[]> {
  const { head, chained, lagSeconds } = await readChainState(sql);
  const waiting = postsAnchors ? await unpostedSeconds(sql) : 0;
  return stuckChain({ lag: head - chained, lagSeconds, stopped: anchorsStopped?.(), unpostedSeconds: waiting }, now);
}

async function checkSealing({ sql }: StuckDeps, now: Date): Promise<Stuck[]> {
  const { trouble, troubleSince: since } = await readSealing(sql);
  return stuckSealing({ trouble, since }, now);
}

async function checkRelay({ sql, messaging }: StuckDeps, now: Date): Promise<Stuck[]> {
  const { name } = messaging.topology.streams.evt;
  const info = await findStream(await messaging.manager(), name);
  const head = await readHead(sql);
  if (info !== undefined && eventStreamIncarnation(info) > head.incarnation) {
    const message = 'the stream belongs to a later incarnation of the log than this database holds';
    const advice = 'is this an older copy of the database? See "Restoring a backup" in docs/operations.md';
    return [{ what: 'stream_of_another_log', subject: name, severity: 'critical', since: undefined, message, advice }];
  }
  const last = info?.state.last_seq ?? 0;
  if (last >= head.position) return [];
  const [oldest] = await readEventsAt(sql, [last + 1]);
  const since = oldest?.recordedAt;
  const behind = head.position - last;
  if (since === undefined || (now.getTime() - since.getTime() < limits.relayMs && behind < limits.laggingEvents)) return [];
  const message = info === undefined ? `there is no stream ${name}` : `${head.position - last} events are not in the stream yet`;
  const advice = 'the log of audit says why its relay does not get on: "the relay can not go on"';
  return [{ what: 'relay_behind', subject: name, severity: severityOf(since, now), since, message, advice }];
}

async function checkConsumers({ messaging }: StuckDeps, now: Date): Promise<Stuck[]> {
  const manager = await messaging.manager();
  const found: Stuck[] = [];
  for (const { name: stream } of Object.values(messaging.topology.streams)) {
    if ((await findStream(manager, stream)) === undefined) continue;
    for await (const info of manager.consumers.list(stream)) {
      const { durable_name: name, filter_subject: filter, filter_subjects: filters } = info.config;
      if (name === undefined || info.num_pending + info.num_ack_pending === 0) continue;
      const subjects = filters ?? (filter === undefined ? ['>'] : [filter]);
      const facts: ConsumerFacts = {
        ...{ name, stream, pending: info.num_pending, unacknowledged: info.num_ack_pending },
        ...{ redelivered: info.num_redelivered, waiting: info.num_waiting },
        since: latest(timeOf(info.ack_floor.last_active), await oldestOf(messaging, stream, info.ack_floor.stream_seq + 1, subjects)),
      };
      found.push(...stuckConsumer(facts, now));
    }
  }
  return found;
}

/** When the oldest message from a sequence on came that one of the filters takes. */
async function oldestOf(messaging: Messaging, stream: string, seq: number, filters: readonly string[]): Promise<Date | undefined> {
  const { streams } = await messaging.manager();
  const times = await Promise.all(
    filters.map(async (filter) => {
      // The server knows this form; the client's types do not.
      const next = { seq, next_by_subj: filter };
      return (await streams.getMessage(stream, next).catch(() => null))?.time;
    }),
  );
  return times.filter((time) => time !== undefined).sort((a, b) => a.getTime() - b.getTime())[0];
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

/** The server tells times as text. */
function timeOf(value: unknown): Date | undefined {
  const time = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

async function checkDeadLetters({ messaging }: StuckDeps): Promise<Stuck[]> {
  const counts = await messaging.deadLetters.counts();
  return Promise.all(
    [...counts].map(async ([consumer, count]): Promise<Stuck> => {
      const [oldest] = await messaging.deadLetters.list({ consumer, after: 0, limit: 1 });
      const since = oldest === undefined ? undefined : new Date(oldest.failedAt);
      const message = `${count} messages were given up on`;
      const advice = `fairlead dead-letter list --consumer ${consumer}; then replay or discard each`;
      return { what: 'dead_letters', subject: consumer, severity: 'warning', since, message, advice };
    }),
  );
}
