import type { PlacedKind } from '@fairlead/contracts';
import type { ShardState } from './state.js';

/** How a kind of service does the commands it admitted. */
export interface Work {
  /** Does a command as far as it has to be before its acknowledgement; resolves then. */
  take(tenant: string, seq: number): Promise<void>;
  /** Stops in the middle; what is not durable is not done. */
  stop(): void;
}

export interface WorkOptions {
  state: ShardState;
  /** Between 0 and 1, as Math.random. */
  random: () => number;
  /** While true, a projection accepts and does not apply. */
  stuck: () => boolean;
  /** Called when work that was acknowledged earlier came to its end. */
  onCaughtUp: (tenant: string) => void;
}

/** A time between two bounds, in milliseconds. */
export interface Span {
  minMs: number;
  maxMs: number;
}

const runnerWork: Span = { minMs: 5, maxMs: 50 };
const projectionWork: Span = { minMs: 5, maxMs: 30 };

/** Makes the work of a kind: an aggregate applies at once, a projection accepts and applies later, a runner applies when its work is over. */
export function createWork(kind: PlacedKind, options: WorkOptions): Work {
  switch (kind) {
    case 'aggregate':
      return { take: (tenant, seq) => applied(options.state, tenant, seq), stop: () => undefined };
    case 'projection':
      return createProjection(options);
    case 'runner':
      return createRunner(options);
  }
}

function applied(state: ShardState, tenant: string, seq: number, lazy = false): Promise<void> {
  return state.record({ type: 'applied', tenant, kind: state.kind, seq, fence: state.get(tenant).fence }, lazy);
}

function createRunner({ state, random }: WorkOptions): Work {
  const timers = new Timers(runnerWork, random);
  return {
    async take(tenant, seq) {
      await timers.wait();
      await applied(state, tenant, seq);
    },
    stop: () => {
      timers.stop();
    },
  };
}

function createProjection({ state, random, stuck, onCaughtUp }: WorkOptions): Work {
  const timers = new Timers(projectionWork, random);
  const catchingUp = new Set<string>();

  const catchUp = async (tenant: string) => {
    if (catchingUp.has(tenant)) return;
    catchingUp.add(tenant);
    try {
      while (state.get(tenant).lastSeq < state.get(tenant).acceptedSeq) {
        await timers.wait();
        if (stuck()) continue;
        // All there is by now at once. Nobody waits for it; the next commit takes it along.
        const last = state.get(tenant).acceptedSeq;
        for (let seq = state.get(tenant).lastSeq + 1; seq <= last; seq++) void applied(state, tenant, seq, true).catch(() => undefined);
      }
    } finally {
      catchingUp.delete(tenant);
    }
    onCaughtUp(tenant);
  };
  // What was accepted before a crash is applied after it.
  for (const [tenant, { acceptedSeq, lastSeq }] of state.all()) if (acceptedSeq > lastSeq) void catchUp(tenant);

  return {
    async take(tenant, seq) {
      await state.record({ type: 'accepted', tenant, kind: state.kind, seq, fence: state.get(tenant).fence });
      void catchUp(tenant);
    },
    stop: () => {
      timers.stop();
    },
  };
}

/** Waits of random length that end with their owner: after stop none of them resolves. */
class Timers {
  private readonly open = new Set<NodeJS.Timeout>();
  private stopped = false;

  constructor(
    private readonly span: Span,
    private readonly random: () => number,
  ) {}

  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopped) return;
      const timer = setTimeout(
        () => {
          this.open.delete(timer);
          resolve();
        },
        this.span.minMs + this.random() * (this.span.maxMs - this.span.minMs),
      );
      this.open.add(timer);
    });
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.open) clearTimeout(timer);
    this.open.clear();
  }
}
