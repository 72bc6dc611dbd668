/**
 * One replica of the job engine: claims jobs, renews their leases, runs each, gives them up when it stops. It
 * knows no job kind. Any number of replicas share the tables; the database's clock and fences decide.
 */
import { hostname } from 'node:os';
import { newId } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { noTracing, runInContext, type Logger, type Tracing } from '@fairlead/telemetry';
import { claimJob, registerReplica, renewLeases, unregisterReplica, type Claim } from '../store/claim.js';
import { loadJob } from '../store/jobs.js';
import { jobEvent } from './events.js';
import type { JobKind } from './kind.js';
import { Lease } from './lease.js';
import type { EngineMetrics } from './metrics.js';
import { contextOf, runJob } from './runner.js';

export interface EngineOptions {
  db: Database;
  kinds: readonly JobKind[];
  logger: Logger;
  metrics: EngineMetrics;
  /** Gets a span per run of a step. */
  tracing?: Tracing;
  onAppended: (position: number) => void;
  /** After this long without a renewal, another replica may take a job. */
  leaseMs: number;
  /** How often to look for due jobs when nothing wakes the engine. */
  pollMs: number;
  maxConcurrent: number;
}

export interface Engine {
  readonly replicaId: string;
  /** Something may be claimable, or a running job be cancelled: look now. */
  wake(jobId?: string): void;
  /** Claims nothing more, interrupts what runs and gives it up for other replicas. */
  stop(): Promise<void>;
}

interface Running {
  lease: Lease;
  ended: Promise<void>;
}

/** Starts a replica. Postgres outages are ridden out. */
export function startEngine(options: EngineOptions): Engine {
  const { db, logger, metrics, tracing = noTracing, leaseMs } = options;
  const replicaId = newId('replica');
  const kinds = new Map(options.kinds.map((kind) => [`${kind.kind}:${String(kind.version)}`, kind]));
  const running = new Map<string, Running>();
  let stopping = false;
  let registered = false;
  const claiming = new Loop(options.pollMs, claimAll, logger);
  const renewing = new Loop(leaseMs / 4, renewAll, logger);

  async function claimAll(): Promise<void> {
    if (!registered) {
      await registerReplica(db, { replicaId, host: hostname(), pid: process.pid, kinds: [...kinds.keys()] });
      registered = true;
    }
    while (!stopping && running.size < options.maxConcurrent) {
      const sentAtMs = performance.now();
      const claimed = await claimOne();
      if (claimed === undefined) return;
      begin(claimed.claim, claimed.kind, new Lease(claimed.claim.jobId, sentAtMs, leaseMs, leaseMs / 10));
    }
  }

  async function claimOne(): Promise<{ claim: Claim; kind: JobKind } | undefined> {
    const claimed = await db.transaction(async (tx) => {
      const claim = await claimJob(tx, { replicaId, leaseMs, kinds: [...kinds.keys()] });
      if (claim === undefined) return undefined;
      const loaded = await loadJob(tx, claim.jobId);
      if (loaded === undefined) throw new Error('a claimed job is gone');
      const payload = {
        replica: replicaId,
        fence: claim.fence,
        ...(claim.previousOwner === undefined ? {} : { previous_owner: claim.previousOwner }),
      };
      const kind = kinds.get(`${loaded.job.kind}:${String(loaded.job.version)}`);
      if (kind === undefined) throw new Error('a job of an unknown kind was claimed');
      const { tenant_id: tenantId, reason } = loaded.job;
      const event = jobEvent({ jobId: claim.jobId, tenantId: tenantId ?? undefined }, { type: `job_${claim.how}`, payload }, { reason });
      const appended = await runInContext(contextOf(loaded.job), () =>
        appendInTransaction(tx, { commandId: newId('command'), events: [event] }),
      );
      return { claim, kind, position: appended.lastPosition };
    });
    if (claimed === undefined) return undefined;
    metrics.claimed(claimed.claim.how);
    options.onAppended(claimed.position);
    return claimed;
  }

  function begin(claim: Claim, kind: JobKind, lease: Lease): void {
    // A claim of our own that we had lost: its old run ends by itself, fenced out.
    running.get(claim.jobId)?.lease.lose();
    const deps = { db, replicaId, logger, metrics, tracing, onAppended: options.onAppended, keepForMs: Math.max(1_000, leaseMs / 2) };
    const entry: Running = {
      lease,
      ended: runJob(deps, kind, claim, lease).then(() => {
        if (running.get(claim.jobId) === entry) running.delete(claim.jobId);
        metrics.running(running.size);
        claiming.wake();
      }),
    };
    running.set(claim.jobId, entry);
    metrics.running(running.size);
  }

  async function renewAll(): Promise<void> {
    const sentAtMs = performance.now();
    const held = [...running.entries()];
    for (const [, { lease }] of held) lease.holds();
    const renewed = await renewLeases(db, { replicaId, leaseMs, jobIds: held.map(([jobId]) => jobId) });
    const found = new Map(renewed.map((row) => [row.job_id, row]));
    for (const [jobId, entry] of held) {
      const row = found.get(jobId);
      if (row === undefined) {
        // Finished or given up in the meantime, which the run knows itself, or claimed by another.
        entry.lease.lose();
        continue;
      }
      entry.lease.renewed(sentAtMs);
      if (row.cancel_requested) entry.lease.cancel();
    }
  }

  claiming.start();
  renewing.start();
  return {
    replicaId,
    wake: (jobId) => {
      claiming.wake();
      if (jobId !== undefined && running.has(jobId)) renewing.wake();
    },
    stop: async () => {
      stopping = true;
      await claiming.stop();
      for (const { lease } of running.values()) lease.stop();
      await Promise.all([...running.values()].map(({ ended }) => ended));
      await renewing.stop();
      await unregisterReplica(db, replicaId).catch((error: unknown) => {
        logger.warn({ err: error }, 'the replica could not be taken off the list');
      });
    },
  };
}

/** Runs work at an interval, at once when woken, never twice at the same time; errors are logged, not thrown. */
class Loop {
  private timer: NodeJS.Timeout | undefined;
  private active: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    private readonly intervalMs: number,
    private readonly work: () => Promise<void>,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.wake();
  }

  wake(): void {
    if (this.stopped) return;
    if (this.active !== undefined) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.active = this.work()
      .catch((error: unknown) => {
        this.logger.warn({ err: error }, 'the job engine could not reach its tables; trying again');
      })
      .finally(() => {
        this.active = undefined;
        if (this.again) {
          this.again = false;
          this.wake();
        } else if (!this.stopped) {
          this.timer = setTimeout(() => {
            this.wake();
          }, this.intervalMs);
        }
      });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.active;
  }
}
