import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { syncFolder } from '@fairlead/config';
import type { Clock } from '../clock.js';
import { hasRecordEndAt, listSegments, segmentPath } from './files.js';
import { readLedger } from './reader.js';
import { LedgerDamagedError, type LedgerEvent, type Recorded } from './records.js';

/** What of a ledger may be read: every record made up to `throughUs` stands before `position`, and nothing after it counts yet. */
export interface Extent {
  position: number;
  throughUs: number;
}

export interface LedgerOptions {
  dir: string;
  clock: Clock;
  /** How long a record waits for others to share its write and fsync. */
  commitDelayMs?: number;
  /** The same for records that nobody waits for. */
  lazyDelayMs?: number;
  segmentBytes?: number | undefined;
  /** Called once when the disk refuses a write: what the writer holds in memory can no longer be relied on. */
  onFailure?: ((error: unknown) => void) | undefined;
}

interface Pending {
  line: string;
  atUs: number;
  done: () => void;
  failed: (error: Error) => void;
}

const maxSettlings = 1000;

/** The ledger went away under its writer: a crash was asked for or the disk failed. What was not acknowledged may be lost. */
export class LedgerGoneError extends Error {
  constructor(cause?: unknown) {
    super('the ledger is gone', { cause });
    this.name = 'LedgerGoneError';
  }
}

/**
 * The writer of a ledger. Records are committed in groups: one write and one fsync for all that came within a few
 * milliseconds. Whoever awaits an append may rely on it after any crash; nobody else may.
 */
export class Ledger<Event extends LedgerEvent> {
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #timer: { handle: NodeJS.Timeout; dueMs: number } | undefined;
  #gone: LedgerGoneError | undefined;
  #inWriteFromUs: number | undefined;

  private constructor(
    private readonly options: { [K in keyof LedgerOptions]-?: NonNullable<LedgerOptions[K]> },
    private file: FileHandle,
    private segmentStart: number,
    private durable: number,
    private order: number,
    private durableOrder: number,
  ) {}

  /**
   * Opens a ledger, cuts an unfinished last line, and hands every record from `from` on to `replay` before it resolves.
   *
   * @param from a position after a record that the caller's snapshot covers, with that record's order
   * @throws LedgerDamagedError when the ledger can't be read back, or does not have a record's end at that position
   */
  static async open<Event extends LedgerEvent>(
    options: LedgerOptions,
    replay: (record: Recorded<Event>) => void,
    from: { position: number; order: number } = { position: 0, order: 0 },
  ): Promise<Ledger<Event>> {
    await mkdir(options.dir, { recursive: true });
    if (!(await hasRecordEndAt(options.dir, from.position)))
      throw new LedgerDamagedError(`the ledger ${options.dir} has no record that ends at its snapshot`);
    let { position, order } = from;
    for await (const batch of readLedger(options.dir, from.position)) {
      for (const { record, end } of batch) {
        // A ledger holds one family of events; its owner is the only writer.
        replay(record as Recorded<Event>);
        position = end;
        order = record.order;
      }
    }
    const start = (await listSegments(options.dir)).at(-1)?.start ?? 0;
    const file = await openAt(segmentPath(options.dir, start), position - start);
    await syncFolder(options.dir);
    const complete = {
      dir: options.dir,
      clock: options.clock,
      commitDelayMs: options.commitDelayMs ?? 3,
      lazyDelayMs: options.lazyDelayMs ?? 100,
      segmentBytes: options.segmentBytes ?? 4 * 1024 * 1024,
      onFailure: options.onFailure ?? (() => undefined),
    };
    return new Ledger<Event>(complete, file, start, position, order, order);
  }

  /** Where a reader may read to at this moment. */
  extent(): Extent {
    const openFromUs = this.#inWriteFromUs ?? this.#pending[0]?.atUs;
    const throughUs = openFromUs === undefined || this.#gone !== undefined ? this.options.clock.nowUs() : openFromUs - 1;
    return { position: this.durable, throughUs };
  }

  /**
   * Settles the ledger and hands its end to `read` at a moment when nothing is on its way to the disk: what the caller holds
   * in memory then is exactly what the ledger holds before that end.
   */
  async atRest<T>(read: (end: { position: number; order: number }) => T): Promise<T> {
    for (let tries = 0; tries < maxSettlings; tries++) {
      await this.settled();
      if (this.durableOrder === this.order) return read({ position: this.durable, order: this.order });
    }
    throw new Error('the ledger does not come to rest');
  }

  /**
   * Adds a record; its place in the order is settled at once.
   *
   * @param lazy nobody waits for it: it may take longer to reach the disk
   * @returns resolves when the record is durable; rejects with LedgerGoneError when it may not be
   */
  append(event: Event, lazy = false): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    this.order += 1;
    const atUs = this.options.clock.nowUs();
    const line = `${JSON.stringify({ order: this.order, at_us: atUs, ...event })}\n`;
    const committed = new Promise<void>((done, failed) => this.#pending.push({ line, atUs, done, failed }));
    this.schedule(lazy ? this.options.lazyDelayMs : this.options.commitDelayMs);
    if (lazy) committed.catch(() => undefined);
    return committed;
  }

  /** Resolves when everything added so far is durable. */
  async settled(): Promise<void> {
    const target = this.order;
    while (this.durableOrder < target) {
      if (this.#gone !== undefined) throw this.#gone;
      await this.flush();
    }
  }

  /** Removes whole segments that end at or before a position. */
  async prune(before: number): Promise<void> {
    const segments = await listSegments(this.options.dir);
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1];
      if (next === undefined || next.start > before) return;
      await unlink(segment.path);
    }
  }

  /** Commits what is pending and closes. */
  async close(): Promise<void> {
    try {
      await this.settled();
    } finally {
      this.leave(new LedgerGoneError());
      // What is durable may still be on its way to the next segment.
      await this.#flushing?.catch(() => undefined);
      await this.file.close();
    }
  }

  /** Ends as a power cut would: what is not durable yet is lost, also what was written and not synced. */
  async crash(): Promise<void> {
    this.leave(new LedgerGoneError());
    await this.#flushing?.catch(() => undefined);
    await this.file.truncate(this.durable - this.segmentStart);
    await this.file.close();
  }

  private schedule(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (this.#flushing !== undefined || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    const handle = setTimeout(() => {
      this.#timer = undefined;
      // A failure reaches every append that waited for this group.
      void this.flush().catch(() => undefined);
    }, delayMs);
    this.#timer = { handle, dueMs };
  }

  private flush(): Promise<void> {
    this.#flushing ??= this.commitGroup().finally(() => {
      this.#flushing = undefined;
      if (this.#pending.length > 0) this.schedule(0);
    });
    return this.#flushing;
  }

  private async commitGroup(): Promise<void> {
    const group = this.#pending;
    if (group.length === 0 || this.#gone !== undefined) return;
    this.#pending = [];
    this.#inWriteFromUs = group[0]?.atUs;
    const data = Buffer.from(group.map(({ line }) => line).join(''));
    try {
      await this.file.appendFile(data);
      await this.file.datasync();
      const { size } = await this.file.stat();
      if (this.gone() !== undefined) throw new LedgerGoneError();
      // The file is asked for its length rather than the data: a line that someone adds by hand is read like any other.
      this.durable = this.segmentStart + size;
      this.durableOrder += group.length;
      for (const { done } of group) done();
    } catch (error) {
      if (this.gone() === undefined) this.options.onFailure(error);
      const gone = error instanceof LedgerGoneError ? error : new LedgerGoneError(error);
      this.leave(gone);
      for (const { failed } of group) failed(gone);
      throw gone;
    } finally {
      this.#inWriteFromUs = undefined;
    }
    if (this.durable - this.segmentStart >= this.options.segmentBytes) await this.rotate();
  }

  private async rotate(): Promise<void> {
    const next = await open(segmentPath(this.options.dir, this.durable), 'a');
    await syncFolder(this.options.dir);
    await this.file.close();
    this.file = next;
    this.segmentStart = this.durable;
  }

  // Read through a method: an await lies between two looks, and a crash may have come in it.
  private gone(): LedgerGoneError | undefined {
    return this.#gone;
  }

  private leave(error: LedgerGoneError): void {
    this.#gone ??= error;
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    this.#timer = undefined;
    const lost = this.#pending;
    this.#pending = [];
    for (const { failed } of lost) failed(this.#gone);
  }
}

// Opens a segment for appending, its unfinished end cut off.
async function openAt(path: string, length: number): Promise<FileHandle> {
  const file = await open(path, 'a');
  try {
    await file.truncate(length);
    await file.sync();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
