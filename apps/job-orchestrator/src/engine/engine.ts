/**
 * One replica of the job engine: claims jobs, renews its lease, runs each job, gives them up when it stops. It
 * knows no job kind. Any number of replicas share the tables; the database's clock and fences decide.
 *
 * A replica whose lease has ended lets go of all its jobs and begins anew under another id.
 */
import { hostname } from 'node:os';
import { newId } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import { noTracing, type Logger, type Tracing } from '@fairlead/telemetry';
import type { Claim } from '../store/claim.js';
import { loadRunnable, type RunnableJob } from '../store/jobs.js';
import type { JobRow } from '../store/rows.js';
import { readQueue } from '../store/queue.js';
import { endLease, registerReplica, renewLease } from '../store/replica.js';
import { wakeJobs } from '../store/wake.js';
import type { Answer } from '../store/transition.js';
import { Batcher } from './batcher.js';
import type { JobKind } from './kind.js';
import { JobLease, ReplicaLease } from './lease.js';
import type { EngineMetrics } from './metrics.js';
import { Repeater } from './repeater.js';
import { runJob, type RunnerDependencies } from './runner.js';
import { writerOf, type Write } from './writer.js';

export interface EngineOptions {
  db: Database;
  kinds: readonly JobKind[];
  logger: Logger;
  metrics: EngineMetrics;
  /** Gets a span per run of a step. */
  tracing?: Tracing;
  onAppended: (position: number) => void;
  /** Jobs can be claimed that could not be before: other replicas should look. */
  onClaimable?: () => void;
  /** After this long without a renewal, another replica may take a replica's jobs. */
  leaseMs: number;
  /** How often to look for due jobs when nothing wakes the engine. */
  pollMs: number;
  maxConcurrent: number;
}

/** Room for a job that is about to be made. */
export interface Room {
  readonly replica: string;
  /** The job was made, and claimed for the replica: it runs here. Without one the room is free again. Call it once. */
  fill(claim: Claim | undefined): void;
}

export interface Engine {
  /** Something may be claimable, or wished of a running job: look now. */
  wake(jobId?: string): void;
  /** Room for a job, so that making it claims it too; undefined while there is none, others wait for it, or the kind is unknown here. */
  reserve(kind: JobKind): Room | undefined;
  /** Claims nothing more, interrupts what runs and gives it up for other replicas. */
  stop(): Promise<void>;
}

interface Running {
  lease: JobLease;
  /** Found by a renewal: the answer of the call that claimed it may still come. */
  stray: boolean;
  ended: Promise<void>;
}

/** Claimed by one statement, which answers all of them with their plans, and those may be large. */
const mostClaims = 64;
/** How often the queue is counted for the metrics. */
const countEveryMs = 10_000;

/** Starts a replica. Postgres outages are ridden out. */
export function startEngine(options: EngineOptions): Engine {
  const { db, logger, metrics, tracing = noTracing, leaseMs, onClaimable = () => undefined } = options;
  const kinds = new Map(options.kinds.map((kind) => [versionOf(kind), kind]));
  const running = new Map<string, Running>();
  let replica: ReplicaLease | undefined;
  /** Jobs that this replica had at its last renewal and did not run. */
  let strays = new Set<string>();
  let stopping = false;
  /** Room for jobs that are about to be claimed. */
  let reserved = 0;
  /** Whether there may be jobs that wait for room here; they come before new ones. */
  let othersWait = true;
  const loads = new Batcher<string, RunnableJob | undefined>(async (jobIds) => {
    const found = await loadRunnable(db, jobIds);
    return jobIds.map((jobId) => found.get(jobId));
  });
  const writer = writerOf(db);
  /** Jobs whose children have ended. */
  const parents = new Batcher<string, undefined>(async (jobIds) => {
    await wakeJobs(db, jobIds);
    return jobIds.map(() => undefined);
  });
  const wakings = new Set<Promise<void>>();
  const deps: RunnerDependencies = {
    load: (jobId) => loads.do(jobId),
    write,
    kindOf,
    logger,
    metrics,
    tracing,
    keepForMs: Math.max(1_000, leaseMs / 2),
  };

  function kindOf(job: JobRow): JobKind {
    const kind = kinds.get(versionOf(job));
    if (kind === undefined) throw new Error('a job of an unknown kind was claimed');
    return kind;
  }

  async function register(): Promise<ReplicaLease> {
    const sentAtMs = performance.now();
    const replicaId = newId('replica');
    await registerReplica(db, { replicaId, host: hostname(), pid: process.pid, kinds: [...kinds.keys()], leaseMs });
    return new ReplicaLease(replicaId, sentAtMs, leaseMs, leaseMs / 10);
  }

  async function claimAll(): Promise<void> {
    while (!stopping && room() > 0) {
      if (replica?.holds() !== true) replica = await register();
      const most = Math.min(mostClaims, room());
      const lease = replica;
      reserved += most;
      const claims = await writer.claim({ replica: lease.replicaId, kinds: [...kinds.keys()], most }).finally(() => (reserved -= most));
      for (const claim of claims) take(claim, lease);
      othersWait = claims.length === most;
      if (!othersWait) return;
    }
  }

  function room(): number {
    return options.maxConcurrent - running.size - reserved;
  }

  function reserve(kind: JobKind): Room | undefined {
    const lease = replica;
    if (stopping || othersWait || lease?.holds() !== true || !kinds.has(versionOf(kind))) return undefined;
    if (room() <= 0) {
      othersWait = true;
      return undefined;
    }
    reserved += 1;
    const { renewals } = lease;
    return {
      replica: lease.replicaId,
      fill: (claim) => {
        const wasFull = room() <= 0;
        reserved -= 1;
        if (claim === undefined && wasFull) claiming.wake();
        // One that comes after the end is another replica's once the lease is given up. And two renewals may have found the job already:
        // it may have run as a stray since, and its first step, which has begun with the claim, must not run once more on what the claim says.
        if (claim !== undefined && !stopping && lease.renewals - renewals < 2) take(claim, lease);
      },
    };
  }

  /** Runs what a call has claimed, unless its answer was so late that a renewal has found the job meanwhile. */
  function take(claim: Claim, lease: ReplicaLease): void {
    const known = running.get(claim.jobId);
    if (known?.stray === true && known.lease.replica === lease && known.lease.holds()) return;
    begin(claim, new JobLease(claim.jobId, lease));
  }

  function begin(claim: Claim, lease: JobLease): void {
    // A claim of our own that we had lost: its old run ends by itself, fenced out.
    running.get(claim.jobId)?.lease.lose();
    metrics.claimed(claim.how);
    const entry: Running = {
      lease,
      stray: claim.loaded === undefined,
      ended: runJob(deps, claim, lease).then((end) => {
        lease.close();
        const wasFull = room() <= 0;
        if (running.get(claim.jobId) === entry) running.delete(claim.jobId);
        metrics.running(running.size);
        // One that has finished makes nothing claimable here but room; whom it freed was told of with its last transition.
        if (wasFull || end !== 'finished') claiming.wake();
      }),
    };
    running.set(claim.jobId, entry);
    metrics.running(running.size);
  }

  async function write(given: Write): Promise<Answer | undefined> {
    const { answer, freed, together, position } = await writer.transition(given);
    if (together !== undefined) metrics.batch(together);
    if (position !== undefined) options.onAppended(position);
    if (freed > 0) othersCanBeClaimed();
    // Without it the parent looks again by itself, later.
    if (given.transition.finished && answer?.parentId !== undefined) wakeParent(answer.parentId);
    return answer;
  }

  function wakeParent(jobId: string): void {
    const waking = parents.do(jobId).then(othersCanBeClaimed, () => undefined);
    wakings.add(waking);
    void waking.then(() => wakings.delete(waking));
  }

  function othersCanBeClaimed(): void {
    claiming.wake();
    onClaimable();
  }

  async function renew(): Promise<void> {
    if (replica === undefined) return;
    const lease = replica;
    if (!lease.holds()) {
      // It has let go of its jobs already: they need not wait for the rest of the lease.
      await endLease(db, lease.replicaId);
      if (replica === lease) replica = undefined;
      claiming.wake();
      return;
    }
    const sentAtMs = performance.now();
    const owned = await renewLease(db, { replicaId: lease.replicaId, leaseMs });
    if (owned === undefined) {
      lease.end();
      claiming.wake();
      return;
    }
    lease.renewed(sentAtMs);
    const unknown = new Set<string>();
    for (const { jobId, cancelRequested, pauseRequested } of owned) {
      const entry = running.get(jobId);
      if (entry === undefined) unknown.add(jobId);
      if (cancelRequested) entry?.lease.cancel();
      if (pauseRequested) entry?.lease.pause();
    }
    // Claimed by a call whose answer was lost, or given up by one that was not written.
    if (!stopping)
      for (const jobId of unknown)
        if (strays.has(jobId)) begin({ jobId, how: 'resumed', previousOwner: undefined, loaded: undefined }, new JobLease(jobId, lease));
    strays = unknown;
  }

  const onError = (error: unknown) => {
    logger.warn({ err: error }, 'the job engine could not reach its tables; trying again');
  };
  // A replica that ends is noticed within a tenth of its lease.
  const claimEveryMs = Math.min(options.pollMs, Math.ceil(leaseMs / 10));
  const claiming = new Repeater(() => claimAll().then(() => claimEveryMs), claimEveryMs, onError);
  const renewing = new Repeater(() => renew().then(() => leaseMs / 4), leaseMs / 10, onError);
  const counting = new Repeater(
    async () => {
      metrics.queue(await readQueue(db));
      return countEveryMs;
    },
    countEveryMs,
    onError,
  );
  return {
    wake: (jobId) => {
      claiming.wake();
      const entry = jobId === undefined ? undefined : running.get(jobId);
      if (entry === undefined) return;
      entry.lease.wake();
      renewing.wake();
    },
    reserve,
    stop: async () => {
      stopping = true;
      await claiming.stop();
      for (const { lease } of running.values()) lease.stop();
      await Promise.all([...running.values()].map(({ ended }) => ended));
      await Promise.all([renewing.stop(), counting.stop(), ...wakings]);
      if (replica !== undefined) {
        await endLease(db, replica.replicaId).catch((error: unknown) => {
          logger.warn({ err: error }, 'the replica could not end its lease; it ends by itself');
        });
        replica.end();
      }
      onClaimable();
    },
  };
}

function versionOf({ kind, version }: { kind: string; version: number }): string {
  return `${kind}:${String(version)}`;
}
