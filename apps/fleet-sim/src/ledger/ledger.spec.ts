import { appendFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createClock } from '../clock.js';
import { segmentPath } from './files.js';
import { Ledger, LedgerGoneError, type LedgerOptions } from './ledger.js';
import { readLedger, type Positioned } from './reader.js';
import type { Recorded, SenderEvent } from './records.js';

const sent = (seq: number): SenderEvent => ({ type: 'sent', tenant: 'tenant-01', kind: 'runner', seq });
const folder = () => join(mkdtempSync(join(tmpdir(), 'ledger-')), 'ledger');
const options = (dir: string, more: Partial<LedgerOptions> = {}): LedgerOptions => ({
  dir,
  clock: createClock(),
  commitDelayMs: 1,
  ...more,
});
const open = (dir: string, more: Partial<LedgerOptions> = {}) => Ledger.open<SenderEvent>(options(dir, more), () => undefined);

async function read(dir: string, from = 0, to?: number): Promise<Positioned[]> {
  const all: Positioned[] = [];
  for await (const batch of readLedger(dir, from, to)) all.push(...batch);
  return all;
}

const seqs = (records: { record: { type: string } }[]) =>
  records.map(({ record }) => (record as Recorded<SenderEvent> & { seq: number }).seq);

describe('ledger', () => {
  it('keeps what was acknowledged, in order, over segments and a new opening', async () => {
    const dir = folder();
    const ledger = await open(dir, { segmentBytes: 500 });
    for (let seq = 1; seq <= 20; seq++) await ledger.append(sent(seq));
    await ledger.close();
    const replayed: number[] = [];
    const again = await Ledger.open<SenderEvent>(options(dir), (record) => replayed.push(record.order));
    await again.append(sent(21));
    await again.close();
    expect(readdirSync(dir).length).toBeGreaterThan(2);
    expect(replayed).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(seqs(await read(dir))).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    expect((await read(dir)).map(({ record }) => record.order)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  });

  it('shares one commit between records that come together', async () => {
    const dir = folder();
    const ledger = await open(dir, { commitDelayMs: 20 });
    const before = ledger.extent().position;
    const appends = [1, 2, 3].map((seq) => ledger.append(sent(seq)));
    await appends[0];
    await expect(ledger.atRest(({ order, position }) => [order, position])).resolves.toEqual([3, ledger.extent().position]);
    expect(before).toBe(0);
    await Promise.all(appends);
    await ledger.close();
  });

  it('cuts an unfinished line at its end and goes on after it', async () => {
    const dir = folder();
    const ledger = await open(dir);
    await ledger.append(sent(1));
    await ledger.close();
    appendFileSync(segmentPath(dir, 0), '{"order":2,"at_us":5,"type":"se');
    const again = await open(dir);
    await again.append(sent(2));
    await again.close();
    expect(seqs(await read(dir))).toEqual([1, 2]);
  });

  it('refuses a ledger damaged in its middle', async () => {
    const dir = folder();
    const ledger = await open(dir);
    await ledger.append(sent(1));
    await ledger.close();
    writeFileSync(segmentPath(dir, 0), 'not a record\n{"order":2,"at_us":5,"type":"started"}\n');
    await expect(open(dir)).rejects.toThrow('not JSON');
  });

  it('loses in a crash only what it had not acknowledged, and says so to whoever waits', async () => {
    const dir = folder();
    const ledger = await open(dir, { commitDelayMs: 1000 });
    const first = ledger.append(sent(1));
    await ledger.settled();
    await first;
    const second = ledger.append(sent(2));
    await Promise.all([expect(second).rejects.toBeInstanceOf(LedgerGoneError), ledger.crash()]);
    await expect(ledger.append(sent(3))).rejects.toBeInstanceOf(LedgerGoneError);
    expect(seqs(await read(dir))).toEqual([1]);
  });

  it('loses a group that was written but not synced when the crash came', async () => {
    const dir = folder();
    const ledger = await open(dir, { commitDelayMs: 1000 });
    await Promise.all([ledger.append(sent(1)), ledger.settled()]);
    const second = ledger.append(sent(2));
    const settled = ledger.settled();
    await Promise.all([
      expect(second).rejects.toBeInstanceOf(LedgerGoneError),
      expect(settled).rejects.toBeInstanceOf(LedgerGoneError),
      ledger.crash(),
    ]);
    expect(seqs(await read(dir))).toEqual([1]);
  });

  it('tells readers how far the order of records is settled', async () => {
    const clock = createClock();
    const ledger = await open(folder(), { clock, commitDelayMs: 1000 });
    const idle = ledger.extent();
    const before = clock.nowUs();
    const append = ledger.append(sent(1));
    expect(ledger.extent().position).toBe(idle.position);
    expect(ledger.extent().throughUs).toBeGreaterThanOrEqual(before);
    const at = ledger.extent().throughUs;
    await Promise.all([append, ledger.settled()]);
    expect(ledger.extent().throughUs).toBeGreaterThan(at);
    await ledger.close();
  });

  it('reads between two positions and removes only whole segments before one', async () => {
    const dir = folder();
    const ledger = await open(dir, { segmentBytes: 300 });
    for (let seq = 1; seq <= 12; seq++) await ledger.append(sent(seq));
    const all = await read(dir);
    const from = all[5]?.end ?? 0;
    expect(seqs(await read(dir, from, all[8]?.end))).toEqual([7, 8, 9]);
    await ledger.prune(from);
    await ledger.close();
    await expect(read(dir)).rejects.toThrow('begins at');
    expect(seqs(await read(dir, from))).toEqual([7, 8, 9, 10, 11, 12]);
  });

  it('opens from a snapshot position and refuses one beyond its end', async () => {
    const dir = folder();
    const ledger = await open(dir);
    await ledger.append(sent(1));
    const { position, order } = await ledger.atRest((end) => end);
    await ledger.append(sent(2));
    await ledger.close();
    const replayed: number[] = [];
    const again = await Ledger.open<SenderEvent>(options(dir), (record) => replayed.push(record.order), { position, order });
    await again.close();
    expect(replayed).toEqual([2]);
    await expect(Ledger.open<SenderEvent>(options(dir), () => undefined, { position: 1_000_000, order: 9 })).rejects.toThrow(
      'no record that ends',
    );
  });

  it('counts a line that someone else added as part of it', async () => {
    const dir = folder();
    const ledger = await open(dir);
    await ledger.append(sent(1));
    appendFileSync(segmentPath(dir, 0), `${JSON.stringify({ order: 1, at_us: 5, ...sent(1) })}\n`);
    await ledger.append(sent(2));
    expect(seqs(await read(dir, 0, ledger.extent().position))).toEqual([1, 1, 2]);
    await ledger.close();
  });
});
