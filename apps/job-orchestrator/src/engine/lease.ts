/**
 * Leases as a replica sees them, by the monotonic clock: it stops beginning work a little before the database lets others
 * claim its jobs. A process that was paused finds its lease ended when it wakes.
 */

/** A replica's lease, which is that of all its jobs. Once it has ended it never holds again. */
export class ReplicaLease {
  private endsAtMs: number;
  private renewalCount = 0;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners = new Set<() => void>();

  /** `sentAtMs`: performance.now() before the replica was registered. */
  constructor(
    readonly replicaId: string,
    sentAtMs: number,
    private readonly leaseMs: number,
    private readonly marginMs: number,
  ) {
    this.endsAtMs = sentAtMs + leaseMs;
    this.watch();
  }

  /** True while work may begin. */
  holds(): boolean {
    if (!this.ended && performance.now() >= this.endsAtMs - this.marginMs) this.end();
    return !this.ended;
  }

  /** How many renewals have been answered. */
  get renewals(): number {
    return this.renewalCount;
  }

  /** A renewal that was sent at this time has been answered. */
  renewed(sentAtMs: number): void {
    this.renewalCount += 1;
    this.endsAtMs = Math.max(this.endsAtMs, sentAtMs + this.leaseMs);
    this.watch();
  }

  /** The lease is over: what runs under it is aborted, and nothing more is written. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    for (const listener of [...this.listeners]) listener();
  }

  onEnd(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Ends it in time also while no renewal is answered. */
  private watch(): void {
    clearTimeout(this.timer);
    if (this.ended) return;
    this.timer = setTimeout(
      () => {
        if (this.holds()) this.watch();
      },
      Math.max(0, this.endsAtMs - this.marginMs - performance.now()) + 1,
    );
    this.timer.unref();
  }
}

/** One claim of a job: whether work may begin, and what it is asked to do meanwhile. */
export class JobLease {
  private lostFlag = false;
  private cancelFlag = false;
  private pauseFlag = false;
  private stopFlag = false;
  private readonly listeners = new Set<() => void>();
  private readonly sleepers = new Set<() => void>();
  private readonly forget: () => void;

  constructor(
    readonly jobId: string,
    readonly replica: ReplicaLease,
  ) {
    this.forget = replica.onEnd(() => {
      this.lose();
    });
  }

  /** True while work may begin. */
  holds(): boolean {
    return !this.lostFlag && this.replica.holds();
  }

  get lost(): boolean {
    return this.lostFlag;
  }

  get cancelRequested(): boolean {
    return this.cancelFlag;
  }

  get pauseRequested(): boolean {
    return this.pauseFlag;
  }

  get stopping(): boolean {
    return this.stopFlag;
  }

  /** Another claim has the job, or the lease has ended: what runs is aborted and nothing more is written. */
  lose(): void {
    this.lostFlag = true;
    this.interrupt();
  }

  /** Somebody asked for the job to be cancelled. */
  cancel(): void {
    if (this.cancelFlag) return;
    this.cancelFlag = true;
    this.interrupt();
  }

  /** Somebody asked for the job to be paused: the run at hand is seen through, no other begins. */
  pause(): void {
    this.pauseFlag = true;
    this.wake();
  }

  /** It was let go on. */
  unpause(): void {
    this.pauseFlag = false;
  }

  /** The replica is stopping: what runs is aborted and the job given up for others. */
  stop(): void {
    this.stopFlag = true;
    this.interrupt();
  }

  /** What the job rests for may be there: a rest ends at once. */
  wake(): void {
    for (const sleeper of [...this.sleepers]) sleeper();
  }

  /** The job has ended for this replica. */
  close(): void {
    this.forget();
  }

  /** Calls back at cancel, stop and loss, at once if one of the latter has happened; answers how to stop listening. */
  onInterrupt(listener: () => void): () => void {
    this.listeners.add(listener);
    if (this.lostFlag || this.stopFlag) listener();
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Sleeps, shorter when interrupted or woken. */
  async sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.listeners.delete(end);
        this.sleepers.delete(end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      this.sleepers.add(end);
      this.onInterrupt(end);
      // Interrupted already: nothing is left behind.
      if (this.lostFlag || this.stopFlag) end();
    });
  }

  private interrupt(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
