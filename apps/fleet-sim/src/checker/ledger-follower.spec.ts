import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createClock } from '../clock.js';
import { Ledger } from '../ledger/ledger.js';
import type { LedgerEvent, SenderEvent } from '../ledger/records.js';
import { LedgerFollower } from './ledger-follower.js';

const sent = (seq: number): SenderEvent => ({ type: 'sent', tenant: 'tenant-01', kind: 'runner', seq });

async function twoLedgers(segmentBytes = 4_000_000) {
  const dir = mkdtempSync(join(tmpdir(), 'follower-'));
  const clock = createClock();
  const open = (name: string) =>
    Ledger.open<SenderEvent>({ dir: join(dir, name), clock, commitDelayMs: 1000, lazyDelayMs: 1000, segmentBytes }, () => undefined);
  const [a, b] = await Promise.all([open('a'), open('b')]);
  const sources = [
    { name: 'a', dir: join(dir, 'a'), extent: () => a.extent() },
    { name: 'b', dir: join(dir, 'b'), extent: () => b.extent() },
  ];
  return { a, b, sources };
}

function collector() {
  const seen: string[] = [];
  return { seen, take: (source: string, record: LedgerEvent) => seen.push(`${source}${String('seq' in record ? record.seq : '')}`) };
}

describe('ledger follower', () => {
  it('hands records on in the order of time over all ledgers, each once', async () => {
    const { a, b, sources } = await twoLedgers();
    const { seen, take } = collector();
    const follower = new LedgerFollower(sources);
    const appends = [a.append(sent(1)), b.append(sent(2)), b.append(sent(3)), a.append(sent(4))];
    await Promise.all([...appends, b.settled(), a.settled()]);
    await follower.advance(take);
    expect(seen).toEqual(['a1', 'b2', 'b3', 'a4']);
    await Promise.all([a.append(sent(5)), a.settled()]);
    await follower.advance(take);
    await follower.advance(take);
    expect(seen).toEqual(['a1', 'b2', 'b3', 'a4', 'a5']);
    await Promise.all([a.close(), b.close()]);
  });

  it('holds back what could still be preceded by a record on its way to the disk', async () => {
    const { a, b, sources } = await twoLedgers();
    const { seen, take } = collector();
    const follower = new LedgerFollower(sources);
    await Promise.all([a.append(sent(1)), a.settled()]);
    const slow = b.append(sent(2));
    await Promise.all([a.append(sent(3)), a.settled()]);
    await follower.advance(take);
    expect(seen).toEqual(['a1']);
    await Promise.all([slow, b.settled()]);
    await follower.advance(take);
    expect(seen).toEqual(['a1', 'b2', 'a3']);
    await Promise.all([a.close(), b.close()]);
  });

  it('goes on from positions, over segments and in many turns', async () => {
    const { a, b, sources } = await twoLedgers(20_000);
    for (let seq = 1; seq <= 6000; seq++) void (seq % 3 === 0 ? b : a).append(sent(seq), true);
    await Promise.all([a.settled(), b.settled()]);
    const first = collector();
    const follower = new LedgerFollower(sources);
    await follower.advance(first.take);
    const rest = collector();
    await Promise.all([b.append(sent(6001)), b.settled()]);
    await new LedgerFollower(sources, follower.positions()).advance(rest.take);
    expect(first.seen).toEqual(Array.from({ length: 6000 }, (_, i) => `${(i + 1) % 3 === 0 ? 'b' : 'a'}${String(i + 1)}`));
    expect(rest.seen).toEqual(['b6001']);
    await Promise.all([a.close(), b.close()]);
  });
});
