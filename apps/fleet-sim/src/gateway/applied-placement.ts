import { supersedes } from '@fairlead/placement-map';
import type { PlacementFeed, PlacementView } from '../placement.js';
import { loadPlacement, savePlacement } from './placement-file.js';

/** After a first save, which is made at once. */
const savesAtMostEveryMs = 1000;

/**
 * The placement a gateway routes by: the newest it was told, after the lag a knob may add, kept on disk so that the gateway
 * can serve with the control plane away. What comes from KV wins over what comes from files, and an older placement than the one
 * applied is never taken.
 */
export class AppliedPlacement {
  private view: PlacementView | undefined;
  private readonly waiters = new Set<() => void>();
  private applyTimer: NodeJS.Timeout | undefined;
  private saveTimer: NodeJS.Timeout | undefined;
  private savedAtMs = -Infinity;
  private saving: Promise<void> = Promise.resolve();
  private readonly unsubscribe: () => void;

  private constructor(
    private readonly options: { feed: PlacementFeed; file: string; lagMs: () => number; onSaveError: (error: unknown) => void },
    saved: PlacementView | undefined,
  ) {
    this.view = saved;
    this.unsubscribe = options.feed.subscribe(() => {
      this.applySoon();
    });
    this.applyNewest();
  }

  static async open(options: {
    feed: PlacementFeed;
    file: string;
    lagMs: () => number;
    onSaveError: (error: unknown) => void;
  }): Promise<AppliedPlacement> {
    return new AppliedPlacement(options, await loadPlacement(options.file));
  }

  current(): PlacementView | undefined {
    return this.view;
  }

  /** Revisions known and not applied yet. */
  lag(): number {
    const newest = this.unapplied();
    if (newest === undefined) return 0;
    return Math.max(1, newest.revision - (this.view?.revision ?? 0));
  }

  /** Resolves at the next change, after a time, or when this is stopped. */
  change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.waiters.add(done);
    });
  }

  /** Applies the newest placement known, without the lag. */
  applyNewest(): void {
    const newest = this.unapplied();
    if (newest === undefined) return;
    this.view = newest;
    this.saveSoon();
    this.wakeAll();
  }

  /** Stops following; what was applied is on the disk when it resolves. */
  async stop(): Promise<void> {
    const unsaved = this.saveTimer !== undefined;
    this.leave();
    if (unsaved) this.save();
    await this.saving;
  }

  /** Stops following at once; the last change may not be on the disk. */
  async crash(): Promise<void> {
    this.leave();
    await this.saving;
  }

  /** The newest placement known, if it is to be applied. */
  private unapplied(): PlacementView | undefined {
    const newest = this.options.feed.current();
    if (newest === undefined || newest === this.view) return undefined;
    return this.view === undefined || supersedes(newest, this.view) ? newest : undefined;
  }

  private applySoon(): void {
    const lagMs = this.options.lagMs();
    if (lagMs === 0) {
      this.applyNewest();
      return;
    }
    this.applyTimer ??= setTimeout(() => {
      this.applyTimer = undefined;
      this.applyNewest();
    }, lagMs);
  }

  /** At once when none was saved for a while: a gateway that dies soon after has it. */
  private saveSoon(): void {
    const waitMs = Math.max(0, this.savedAtMs + savesAtMostEveryMs - performance.now());
    if (waitMs === 0) this.save();
    else
      this.saveTimer ??= setTimeout(() => {
        this.save();
      }, waitMs);
  }

  private save(): void {
    this.saveTimer = undefined;
    this.savedAtMs = performance.now();
    const { view } = this;
    if (view === undefined) return;
    this.saving = this.saving.then(() => savePlacement(this.options.file, view)).catch(this.options.onSaveError);
  }

  private leave(): void {
    this.unsubscribe();
    clearTimeout(this.applyTimer);
    clearTimeout(this.saveTimer);
    this.saveTimer = undefined;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const wake of [...this.waiters]) wake();
  }
}
