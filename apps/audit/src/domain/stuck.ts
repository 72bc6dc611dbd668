/** What counts as stuck: what does not get on by itself, or only when somebody does something. Pure; times are given. */
import type { EpochState, ProjectionState } from '@fairlead/event-log';

export interface Stuck {
  readonly what:
    | 'projection_stopped'
    | 'projection_paused'
    | 'projection_lagging'
    | 'rebuild_stalled'
    | 'nats_away'
    | 'relay_behind'
    | 'stream_of_another_log'
    | 'consumer_behind'
    | 'dead_letters'
    | 'partitions_short'
    | 'chain_behind'
    | 'anchors_stopped'
    | 'anchors_unposted'
    | 'sealing_stopped';
  /** Which one. */
  readonly subject: string;
  readonly severity: 'warning' | 'critical';
  readonly since: Date | undefined;
  readonly message: string;
  /** A command to run, or where to read on. */
  readonly advice: string;
}

/** Shorter than these is nothing to tell: work comes and goes. */
export const limits = {
  pausedMs: 15 * 60_000,
  laggingMs: 30_000,
  /** So many events behind is told whatever their age, which a clock that went back hides. */
  laggingEvents: 10_000,
  rebuildMs: 60_000,
  relayMs: 10_000,
  consumerMs: 60_000,
  unpostedMs: 5 * 60_000,
  /** From here on a delay is critical. */
  criticalMs: 10 * 60_000,
} as const;

/** How bad a delay of this length is. */
export function severityOf(since: Date | undefined, now: Date): Stuck['severity'] {
  return since !== undefined && now.getTime() - since.getTime() >= limits.criticalMs ? 'critical' : 'warning';
}

/** A projection that is stopped, paused for long, or behind for long, or whose rebuild does not get on. */
export function stuckProjection(projection: ProjectionState, now: Date): Stuck[] {
  const { name, paused, lag, epochs, controlledAt: since } = projection;
  const stopped = epochs.flatMap(({ stopped: at, epoch }): Stuck[] =>
    at === null
      ? []
      : [
          {
            ...{ what: 'projection_stopped', subject: name, severity: 'critical', since: at.since },
            message: `epoch ${epoch} can not apply position ${at.position}: ${at.reason}`,
            advice: `fairlead log show ${at.position}; then a release that can apply it, or fairlead projection skip ${name} --position ${at.position} --reason …`,
          },
        ],
  );
  if (stopped.length > 0) return stopped;
  if (paused) {
    if (now.getTime() - since.getTime() < limits.pausedMs) return [];
    const message = `paused, ${lag} events behind`;
    const advice = `fairlead projection resume ${name} --reason …`;
    return [{ what: 'projection_paused', subject: name, severity: 'warning', since, message, advice }];
  }
  return [...lagging(projection, now), ...stalledRebuild(projection, now)];
}

function lagging({ name, owner, lag, lagSeconds }: ProjectionState, now: Date): Stuck[] {
  const old = lagSeconds * 1_000 >= limits.laggingMs;
  if (!old && lag < limits.laggingEvents) return [];
  const since = old ? new Date(now.getTime() - lagSeconds * 1_000) : undefined;
  const message = `${lag} events behind`;
  const advice = `is ${owner} running? its log says why it does not get on: "${name}"`;
  return [{ what: 'projection_lagging', subject: name, severity: severityOf(since, now), since, message, advice }];
}

/** A rebuild that was asked for and is not begun, that stands still, or that is done but not swapped in. Until then the epoch before serves. */
function stalledRebuild({ name, owner, epochs, rebuildRequestedAt, controlledAt }: ProjectionState, now: Date): Stuck[] {
  const filling = epochs.find(({ rebuild }) => rebuild !== null);
  const standing = filling === undefined ? notBegun(rebuildRequestedAt, owner) : standstill(filling);
  if (standing === undefined) return [];
  // While it was paused it could not.
  const since = new Date(Math.max(standing.since.getTime(), controlledAt.getTime()));
  if (now.getTime() - since.getTime() < limits.rebuildMs) return [];
  const { message, advice } = standing;
  const giveUp = `or fairlead projection rebuild ${name} --cancel --reason …`;
  return [{ what: 'rebuild_stalled', subject: name, severity: 'warning', since, message, advice: `${advice}; ${giveUp}` }];
}

interface Standing {
  readonly since: Date;
  readonly message: string;
  readonly advice: string;
}

function notBegun(since: Date | null, owner: string): Standing | undefined {
  return since === null
    ? undefined
    : { since, message: 'a rebuild was asked for, and nobody has begun it', advice: `is ${owner} running?` };
}

function standstill({ epoch, position, version, rebuild }: EpochState): Standing | undefined {
  if (rebuild === null) return undefined;
  const { levelAt, movedAt, head } = rebuild;
  if (levelAt !== null) {
    const advice = 'end what holds its view or its tables for long (pg_stat_activity, pg_locks)';
    return { since: levelAt, message: `epoch ${epoch} is level, but reads could not be given to it`, advice };
  }
  if (position >= head) return undefined;
  return {
    since: movedAt,
    message: `epoch ${epoch} stands at ${position} of ${head}`,
    advice: `is a release running that has its version, ${version}?`,
  };
}

/** Where a durable consumer of a stream stands. */
export interface ConsumerFacts {
  readonly name: string;
  readonly stream: string;
  /** Not delivered yet, and delivered but not acknowledged. */
  readonly pending: number;
  readonly unacknowledged: number;
  readonly redelivered: number;
  /** Pulls that wait for messages: no replica listens when there is none. */
  readonly waiting: number;
  /** Since when nothing gets on: the last acknowledgement, or the oldest message if that is younger. */
  readonly since: Date | undefined;
}

/** A consumer that has messages and gets on with none of them. */
export function stuckConsumer(facts: ConsumerFacts, now: Date): Stuck[] {
  const { name, stream, pending, unacknowledged, redelivered, waiting, since } = facts;
  if (pending + unacknowledged === 0 || since === undefined || now.getTime() - since.getTime() < limits.consumerMs) return [];
  const message = `${pending} messages of ${stream} wait, ${unacknowledged} are not acknowledged, ${redelivered} delivered again`;
  const advice = waiting === 0 ? `nobody listens: start ${name}` : `the log of ${name} says why it does not get on`;
  return [{ what: 'consumer_behind', subject: name, severity: severityOf(since, now), since, message, advice }];
}

/** Too few positions have a partition; without one appends are refused. */
export function stuckPartitions({ head, until, size }: { head: number; until: number; size: number }): Stuck[] {
  const left = until - 1 - head;
  if (left >= size / 4) return [];
  const message = `the log has room for ${left} more events`;
  const advice = 'is audit running? it makes partitions every 10 s; its log says why it can not';
  return [{ what: 'partitions_short', subject: 'log.event', severity: 'critical', since: undefined, message, advice }];
}

/** Where the audit chain stands. */
export interface ChainFacts {
  readonly lag: number;
  readonly lagSeconds: number;
  /** Why no anchors are made; undefined when they are. */
  readonly stopped: string | undefined;
  /** Age of the oldest anchor that is yet to be posted; 0 when there is none. */
  readonly unpostedSeconds: number;
}

/** The audit chain does not follow the log, no anchors can be made of it, or their receiver takes none. */
export function stuckChain({ lag, lagSeconds, stopped, unpostedSeconds }: ChainFacts, now: Date): Stuck[] {
  const subject = 'audit chain';
  const behind = stuckPosts(unpostedSeconds, now);
  if (lag > 0 && lagSeconds * 1_000 >= limits.laggingMs) {
    const since = new Date(now.getTime() - lagSeconds * 1_000);
    const advice = 'the log of audit says why: "events could not be taken into the audit chain"';
    behind.push({
      what: 'chain_behind',
      subject,
      severity: severityOf(since, now),
      since,
      message: `${lag} events behind the log`,
      advice,
    });
  }
  if (stopped === undefined) return behind;
  const advice = 'fairlead audit verify tells whether the log was changed, and where; see docs/audit.md';
  return [...behind, { what: 'anchors_stopped', subject, severity: 'critical', since: undefined, message: stopped, advice }];
}

/** Without what is posted a copy of the anchors elsewhere lacks them. */
function stuckPosts(unpostedSeconds: number, now: Date): Stuck[] {
  if (unpostedSeconds * 1_000 < limits.unpostedMs) return [];
  const since = new Date(now.getTime() - unpostedSeconds * 1_000);
  const message = `an anchor of ${Math.round(unpostedSeconds)} s ago is not posted yet`;
  const advice =
    'does the receiver at AUDIT_ANCHOR_WEBHOOK_URL answer with 2xx? the log of audit says why not: "an anchor could not be posted"';
  return [{ what: 'anchors_unposted', subject: 'anchors', severity: severityOf(since, now), since, message, advice }];
}

/** Old records can't be sealed, so they stay in the trail. */
export function stuckSealing({ trouble, since }: { trouble: string | null; since: Date | null }, now: Date): Stuck[] {
  if (trouble === null) return [];
  const at = since ?? undefined;
  const advice = 'is the folder there, writable and not full? fairlead audit segments; see docs/audit.md, "Sealed segments"';
  return [{ what: 'sealing_stopped', subject: 'audit trail', severity: severityOf(at, now), since: at, message: trouble, advice }];
}
