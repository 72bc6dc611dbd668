/**
 * One claim's lease as its replica sees it, by the monotonic clock: a replica stops beginning work a little
 * before the database lets others claim the job. A process that was paused finds its lease ended when it wakes.
 */
export class Lease {
  private endsAtMs: number;
  private lostReason = false;
  private cancelFlag = false;
  private stopFlag = false;
  private readonly listeners = new Set<() => void>();

  /** `claimedAtMs`: performance.now() before the claim was sent. */
  constructor(
    readonly jobId: string,
    claimedAtMs: number,
    private readonly leaseMs: number,
    private readonly marginMs: number,
  ) {
    this.endsAtMs = claimedAtMs + leaseMs;
  }

  /** True while work may begin. */
  holds(): boolean {
    if (!this.lostReason && performance.now() >= this.endsAtMs - this.marginMs) this.lose();
    return !this.lostReason;
  }

  get lost(): boolean {
    return this.lostReason;
  }

  get cancelRequested(): boolean {
    return this.cancelFlag;
  }

  get stopping(): boolean {
    return this.stopFlag;
  }

  /** A renewal that was sent at this time has been answered. */
  renewed(sentAtMs: number): void {
    this.endsAtMs = Math.max(this.endsAtMs, sentAtMs + this.leaseMs);
  }

  /** Another claim has the job, or the lease has ended: what runs is aborted and nothing more is written. */
  lose(): void {
    this.lostReason = true;
    this.interrupt();
  }

  /** Somebody asked for the job to be cancelled. */
  cancel(): void {
    if (this.cancelFlag) return;
    this.cancelFlag = true;
    this.interrupt();
  }

  /** The replica is stopping: what runs is aborted and the job given up for others. */
  stop(): void {
    this.stopFlag = true;
    this.interrupt();
  }

  /** Calls back at cancel, stop and loss, at once if one of them has happened; answers how to stop listening. */
  onInterrupt(listener: () => void): () => void {
    this.listeners.add(listener);
    if (this.lostReason || this.stopFlag) listener();
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Sleeps, shorter when interrupted. */
  async sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      let release: () => void = () => undefined;
      const timer = setTimeout(() => {
        release();
        resolve();
      }, delayMs);
      release = this.onInterrupt(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private interrupt(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
