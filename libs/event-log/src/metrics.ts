/** What the log reports about itself, in a service's registry; without one, nothing. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ProjectionState } from './projection/control.js';
import type { AppendOutcome } from './types.js';

type Outcome = 'ok' | 'repeated' | 'conflict';

/** Counts a call's outcomes and how many commands it carried. */
export function appendMetrics(registry: Registry | undefined): (outcomes: readonly AppendOutcome[]) => void {
  if (registry === undefined) return () => undefined;
  const appends = new Counter({
    name: 'fairlead_log_appends_total',
    help: 'Commands by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const batches = new Histogram({
    name: 'fairlead_log_append_batch_size',
    help: 'Commands in one call.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers: [registry],
  });
  return (outcomes) => {
    batches.observe(outcomes.length);
    for (const outcome of outcomes) appends.inc({ outcome: nameOf(outcome) });
  };
}

function nameOf(outcome: AppendOutcome): Outcome {
  if (outcome.status === 'conflict') return 'conflict';
  return outcome.repeated ? 'repeated' : 'ok';
}

export interface RelayMetrics {
  /** Where the relay stands, and where the log does. */
  at(position: number, head: number): void;
  /** Where the log stands while the relay does not get on. */
  waiting(head: number): void;
  stopped(yes: boolean): void;
}

/**
 * Gauges of the relay. What it has not relayed is counted from the last position it is known to have been at: while the
 * stream has not been seen yet, or is ahead of a log that was restored, from where the log was found.
 */
export function relayMetrics(registry: Registry | undefined): RelayMetrics {
  if (registry === undefined) return { at: () => undefined, waiting: () => undefined, stopped: () => undefined };
  const position = gauge(registry, 'fairlead_relay_position', 'The last position the relay is done with.');
  const lag = gauge(registry, 'fairlead_relay_lag', 'Events the relay is not done with yet.');
  const stopped = gauge(registry, 'fairlead_relay_stopped', '1 while the relay can not go on and needs attention.');
  let reached = Infinity;
  // Not known before the first look.
  lag.set(NaN);
  return {
    at: (at, head) => {
      reached = at;
      position.set(at);
      lag.set(Math.max(0, head - at));
    },
    waiting: (head) => {
      reached = Math.min(reached, head);
      lag.set(head - reached);
    },
    stopped: (yes) => {
      stopped.set(yes ? 1 : 0);
    },
  };
}

/** Gauges of one projection, set from its state; several in a process share them by label. */
export function projectionMetrics(registry: Registry | undefined, projection: string): (state: ProjectionState) => void {
  if (registry === undefined) return () => undefined;
  const labels = { projection };
  const of = (name: string, help: string) => gauge(registry, `fairlead_projection_${name}`, help, labels);
  const position = of('position', 'The last position that is applied in the epoch that serves.');
  const lag = of('lag', 'Events that are not applied yet.');
  const lagSeconds = of('lag_seconds', 'Age of the oldest event that is not applied yet.');
  const paused = of('paused', '1 while an operator has paused the projection.');
  const stopped = of('stopped', '1 while the projection can not go on and needs attention.');
  const rebuildLag = of('rebuild_lag', 'Events that the epoch being filled has not applied yet; 0 without a rebuild.');
  return (state) => {
    const rebuild = state.epochs.find((epoch) => epoch.rebuild !== null);
    position.set(labels, state.epochs.find((epoch) => epoch.serving)?.position ?? 0);
    lag.set(labels, state.lag);
    lagSeconds.set(labels, state.lagSeconds);
    paused.set(labels, state.paused ? 1 : 0);
    stopped.set(labels, state.epochs.some((epoch) => epoch.stopped !== null) ? 1 : 0);
    rebuildLag.set(labels, Math.max(0, (rebuild?.rebuild?.head ?? 0) - (rebuild?.position ?? 0)));
  };
}

export interface FollowerMetrics {
  /** Where the follower stands, and where the log does. */
  at(position: number, head: number): void;
  /** Events were read from one of the two sources. */
  took(source: 'stream' | 'postgres', count: number): void;
  /** Whether the log is read from JetStream, else from Postgres. */
  streaming(yes: boolean): void;
  subscribers(count: number): void;
  /** A subscriber was ended with an error's code. */
  ended(code: string): void;
}

/** Gauges and counters of what follows the log for many. */
export function followerMetrics(registry: Registry | undefined): FollowerMetrics {
  if (registry === undefined) {
    const nothing = () => undefined;
    return { at: nothing, took: nothing, streaming: nothing, subscribers: nothing, ended: nothing };
  }
  const registers = [registry];
  const position = gauge(registry, 'fairlead_follower_position', 'The last position the follower has read.');
  const lag = gauge(registry, 'fairlead_follower_lag', 'Events the follower has not read yet.');
  const subscribers = new Gauge({ name: 'fairlead_follower_subscribers', help: 'Who follows the log in this process.', registers });
  const events = new Counter({
    name: 'fairlead_follower_events_total',
    help: 'Events followed, by where they were read.',
    labelNames: ['source'],
    registers,
  });
  const streaming = new Gauge({
    name: 'fairlead_follower_streaming',
    help: '1 while the log is followed on JetStream, 0 while on Postgres.',
    registers,
  });
  const ended = new Counter({
    name: 'fairlead_follower_ended_total',
    help: 'Subscribers that were ended, by reason; overloaded: too slow.',
    labelNames: ['code'],
    registers,
  });
  return {
    at: (reached, head) => {
      position.set(reached);
      lag.set(Math.max(0, head - reached));
    },
    took: (source, count) => {
      events.inc({ source }, count);
    },
    streaming: (yes) => {
      streaming.set(yes ? 1 : 0);
    },
    subscribers: (count) => {
      subscribers.set(count);
    },
    ended: (code) => {
      ended.inc({ code });
    },
  };
}

function gauge(registry: Registry, name: string, help: string, labels: Record<string, string> = {}): Gauge {
  const known = registry.getSingleMetric(name);
  return known instanceof Gauge ? known : new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] });
}
