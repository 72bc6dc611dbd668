import { endpointKey, type Endpoint } from '../domain/health.js';
import { turnBetween, type Turns } from '../domain/turns.js';

export interface TimedProbesOptions {
  readonly turns: Turns;
  /** Endpoints that are probed at the same time. */
  readonly concurrency: number;
  /** Probes an endpoint; never rejects. */
  readonly probe: (endpoint: Endpoint, what: { metrics: boolean }) => Promise<void>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** Probes each endpoint when its turn comes. */
export interface TimedProbes {
  /** Starts probes of those whose turn came since the last call, and of those that are new. Each is asked once at a time. */
  take(endpoints: readonly Endpoint[]): void;
  /** These were asked just now, metrics included, without their turn. */
  had(endpoints: readonly Endpoint[]): void;
  /** Endpoints whose turn has come and for whom there is no room yet. */
  waiting(): number;
  /** Begins no more, and ends when those under way have. */
  stop(): Promise<void>;
}

/** Makes probes by turns: what hangs takes its room among those at the same time, and holds up no other beyond that. */
export function createTimedProbes({ turns, concurrency, probe, now }: TimedProbesOptions): TimedProbes {
  const asked = new Map<string, { readonly url: string; readonly atMs: number }>();
  const waiting = new Map<string, { readonly endpoint: Endpoint; readonly metrics: boolean }>();
  const underWay = new Map<string, Promise<void>>();
  let untilMs = now();
  let stopping = false;

  const fill = () => {
    for (const [key, { endpoint, metrics }] of waiting) {
      if (stopping || underWay.size >= concurrency) return;
      waiting.delete(key);
      const done = probe(endpoint, { metrics }).finally(() => {
        underWay.delete(key);
        fill();
      });
      underWay.set(key, done);
    }
  };

  return {
    take: (endpoints) => {
      const afterMs = untilMs;
      untilMs = now();
      const registered = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
      for (const key of asked.keys()) {
        if (registered.has(key)) continue;
        asked.delete(key);
        waiting.delete(key);
      }
      for (const [key, endpoint] of registered) {
        const known = asked.get(key);
        const isNew = known?.url !== endpoint.url;
        const turn = turnBetween(turns, key, afterMs, untilMs);
        // One that is new does not wait for its turn, and has it had when it comes soon after.
        const hasTurn = turn !== undefined && untilMs - (known?.atMs ?? 0) > turns.intervalMs / 2;
        if (underWay.has(key) || !(isNew || hasTurn)) continue;
        asked.set(key, { url: endpoint.url, atMs: untilMs });
        waiting.set(key, { endpoint, metrics: isNew || turn?.metrics === true || waiting.get(key)?.metrics === true });
      }
      fill();
    },
    had: (endpoints) => {
      for (const endpoint of endpoints) asked.set(endpointKey(endpoint), { url: endpoint.url, atMs: now() });
    },
    waiting: () => waiting.size,
    stop: async () => {
      stopping = true;
      await Promise.all(underWay.values());
    },
  };
}
