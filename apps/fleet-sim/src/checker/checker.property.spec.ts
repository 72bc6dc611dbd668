import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LedgerEvent, Recorded } from '../ledger/records.js';
import { Checker, checkLedgers, checkerState, senderSource } from './checker.js';
import { History } from '../testing/histories.js';

/**
 * Correct histories: one stream, served, retried, drained, moved, moved back and interrupted at random, with times that
 * interleave over the ledgers. Then exactly one false record, which has to be found for what it is.
 */
type Move = 'serve' | 'hand_over' | 'undone_hand_over' | 'drain_only' | 'slow_command';
type Ledgers = Map<string, Recorded<LedgerEvent>[]>;
type Applied = Extract<Recorded<LedgerEvent>, { type: 'applied' }>;

const shards = ['s1', 's2', 's3'];
const moves = fc.array(
  fc.record({
    move: fc.constantFrom<Move>('serve', 'serve', 'serve', 'slow_command', 'hand_over', 'undone_hand_over', 'drain_only'),
    to: fc.integer({ min: 1, max: 2 }),
  }),
  { minLength: 3, maxLength: 40 },
);
const histories = fc.tuple(fc.constantFrom('aggregate' as const, 'projection' as const), moves).map(([kind, steps]) => {
  const history = new History(kind).own('s1', 0, 0);
  let owner = 0;
  let seq = 0;
  let fence = 0;
  for (const { move, to } of [{ move: 'serve' as Move, to: 1 }, ...steps, { move: 'serve' as Move, to: 1 }]) {
    const from = shards[owner] ?? 's1';
    const target = shards[(owner + to) % shards.length] ?? 's1';
    if (move === 'serve') serve(history, from, ++seq);
    if (move === 'slow_command') history.sent(++seq).wait(30).applied(from, seq).acked(seq);
    if (move === 'hand_over') {
      // The command that meets the hand-over is parked and served by the new owner.
      history
        .sent(++seq)
        .moved(from, target, ++fence, seq - 1)
        .applied(target, seq)
        .acked(seq);
      owner = (owner + to) % shards.length;
    }
    if (move === 'undone_hand_over')
      history.mark(from, 'draining', ++fence).mark(from, 'drained', fence).release(from, fence, seq).own(from, ++fence, seq);
    if (move === 'drain_only') history.mark(from, 'draining', ++fence).own(from, fence, seq);
  }
  return history.ledgers;
});

function serve(history: History, shard: string, seq: number): void {
  if (history.kind === 'projection') history.sent(seq).accepted(shard, seq).acked(seq).applied(shard, seq);
  else history.served(shard, seq);
}

const clean = { lost: 0, doubled: 0, wrong_owner: 0, unsent: 0, in_flight: 0 };
const copy = (ledgers: Ledgers): Ledgers => new Map(Array.from(ledgers, ([source, records]) => [source, [...records]]));

function applications(ledgers: Ledgers): { shard: string; record: Applied }[] {
  return Array.from(ledgers, ([shard, records]) =>
    records.flatMap((record) => (record.type === 'applied' ? [{ shard, record }] : [])),
  ).flat();
}

function pick<T>(all: readonly T[], at: number): T {
  const value = all[at % all.length];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

// Projections note a command as accepted too; false records must not leave that behind.
function withoutApplication(ledgers: Ledgers, shard: string, seq: number): Ledgers {
  const left = copy(ledgers);
  const gone = (record: Recorded<LedgerEvent>) => (record.type === 'applied' || record.type === 'accepted') && record.seq === seq;
  left.set(
    shard,
    (left.get(shard) ?? []).filter((record) => !gone(record)),
  );
  return left;
}

describe('checker, over random histories', () => {
  it('finds nothing in a correct one, whole or in parts with a checkpoint between', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (ledgers, cut) => {
        const findings = checkLedgers(ledgers);
        const sent = ledgers.get(senderSource)?.filter(({ type }) => type === 'sent').length;
        expect(findings).toMatchObject({ sent, applied: sent, ...clean });
        const all = Array.from(ledgers, ([source, records]) => records.map((record) => ({ source, record }))).flat();
        all.sort((a, b) => a.record.at_us - b.record.at_us);
        let checker = new Checker();
        for (const [index, { source, record }] of all.entries()) {
          if (index === cut % all.length) checker = new Checker(checkerState.parse(JSON.parse(JSON.stringify(checker.toState()))));
          checker.take(source, record);
          expect(checker.findings(record.at_us)).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0, unsent: 0 });
        }
        expect(checker.findings(all.at(-1)?.record.at_us ?? 0)).toEqual(findings);
      }),
    );
  });

  it('finds one application taken out: lost', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (ledgers, at) => {
        const { shard, record } = pick(applications(ledgers), at);
        expect(checkLedgers(withoutApplication(ledgers, shard, record.seq))).toMatchObject({ ...clean, lost: 1 });
      }),
    );
  });

  it('finds one application written again right after: doubled', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (ledgers, at) => {
        const { shard, record } = pick(applications(ledgers), at);
        const changed = copy(ledgers);
        changed.get(shard)?.push({ ...record, at_us: record.at_us + 1 });
        expect(checkLedgers(changed)).toMatchObject({ ...clean, doubled: 1 });
      }),
    );
  });

  it('finds one application moved to a shard that is not the owner: wrongly owned', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.integer({ min: 1, max: 2 }), (ledgers, at, by) => {
        const { shard, record } = pick(applications(ledgers), at);
        const other = pick(shards, shards.indexOf(shard) + by);
        const changed = withoutApplication(ledgers, shard, record.seq);
        changed.set(other, [...(changed.get(other) ?? []), record]);
        expect(checkLedgers(changed)).toMatchObject({ ...clean, wrong_owner: 1 });
      }),
    );
  });

  it('finds a state handed over one command short: lost', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (ledgers, at) => {
        const owns = Array.from(ledgers).flatMap(([shard, records]) =>
          records.flatMap((record) => (record.type === 'own' && record.last_seq > 0 ? [{ shard, record }] : [])),
        );
        fc.pre(owns.length > 0);
        const { shard, record } = pick(owns, at);
        const changed = copy(ledgers);
        changed.set(
          shard,
          (changed.get(shard) ?? []).map((other) => (other === record ? { ...record, last_seq: record.last_seq - 1 } : other)),
        );
        expect(checkLedgers(changed)).toMatchObject({ ...clean, lost: 1 });
      }),
    );
  });
});
