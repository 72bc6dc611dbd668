/**
 * Limits how many tenants one replica pauses at once: jobs that pause together share the machines, and each
 * tenant would wait for all. A turn ends when the tenant is served again, and by itself after a while, so that a
 * drain that is stuck holds nobody up. In memory: a crash forgets turns, which costs nothing but patience.
 */
export class Turns {
  private readonly held = new Map<string, NodeJS.Timeout>();
  private readonly queue: { jobId: string; admit: () => void }[] = [];

  constructor(
    private readonly limit: number,
    private readonly turnMs = 2_000,
  ) {}

  /** Waits for a turn, for a time at most; answers whether the job has one. Asking again keeps it. */
  async take(jobId: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.held.has(jobId)) return true;
    if (this.held.size < this.limit && this.queue.length === 0) {
      this.begin(jobId);
      return true;
    }
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const entry = {
        jobId,
        admit: () => {
          settle();
          this.begin(jobId);
          resolve(true);
        },
      };
      const abort = () => {
        settle();
        reject(new Error('interrupted'));
      };
      const timer = setTimeout(() => {
        settle();
        resolve(false);
      }, waitMs);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        const index = this.queue.indexOf(entry);
        if (index >= 0) this.queue.splice(index, 1);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.queue.push(entry);
    });
  }

  /** Ends a job's turn, if it has one, and admits who waits longest. */
  give(jobId: string): void {
    const timer = this.held.get(jobId);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.held.delete(jobId);
    while (this.held.size < this.limit && this.queue.length > 0) this.queue[0]?.admit();
  }

  private begin(jobId: string): void {
    const timer = setTimeout(() => {
      this.give(jobId);
    }, this.turnMs);
    timer.unref();
    this.held.set(jobId, timer);
  }
}
