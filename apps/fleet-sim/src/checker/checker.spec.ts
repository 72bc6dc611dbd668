import { describe, expect, it } from '@jest/globals';
import { Checker, checkLedgers, type Figures } from './checker.js';
import { History } from '../testing/histories.js';

const check = (history: History): Figures => checkLedgers(history.ledgers);
const clean = { lost: 0, doubled: 0, wrong_owner: 0, unsent: 0 };

describe('checker', () => {
  it('finds nothing in a tenant that is served and moved', () => {
    const history = new History()
      .own('a', 0, 0)
      .served('a', 1)
      .served('a', 2)
      .moved('a', 'b', 5, 2)
      .served('b', 3)
      .moved('b', 'a', 6, 3)
      .served('a', 4);
    expect(check(history)).toMatchObject({ sent: 4, applied: 4, in_flight: 0, ...clean });
  });

  it('counts an acknowledged command that no ledger holds as lost', () => {
    expect(check(new History().own('a', 0, 0).served('a', 1).sent(2).acked(2))).toMatchObject({
      sent: 2,
      applied: 1,
      in_flight: 0,
      ...clean,
      lost: 1,
    });
  });

  it('counts a command that was given up and stands nowhere as lost, the last one as in flight', () => {
    const history = new History().own('a', 0, 0).served('a', 1).sent(2).sent(3).applied('a', 3).acked(3);
    expect(check(history)).toMatchObject({ sent: 3, applied: 2, in_flight: 0, ...clean, lost: 1 });
    expect(check(history.sent(4))).toMatchObject({ sent: 4, in_flight: 1, ...clean, lost: 1 });
    expect(check(history.applied('a', 4))).toMatchObject({ sent: 4, applied: 3, in_flight: 1, ...clean, lost: 1 });
  });

  it('counts what an earlier owner applied beyond the state that was handed over as lost', () => {
    const history = new History().own('a', 0, 0).served('a', 1).served('a', 2).moved('a', 'b', 5, 1);
    expect(check(history)).toMatchObject({ sent: 2, applied: 2, ...clean, lost: 1 });
  });

  it('counts an accepted command as in flight while its owner can still apply it, and as lost once it cannot', () => {
    const history = new History('projection').own('a', 0, 0).sent(1).accepted('a', 1).acked(1);
    expect(check(history)).toMatchObject({ sent: 1, applied: 0, in_flight: 1, ...clean });
    history.moved('a', 'b', 5, 0);
    expect(check(history)).toMatchObject({ sent: 1, applied: 0, in_flight: 0, ...clean, lost: 1 });
  });

  it('counts each application beyond the first as doubled, in one ledger or over two', () => {
    expect(check(new History().own('a', 0, 0).served('a', 1).applied('a', 1))).toMatchObject({ sent: 1, applied: 1, ...clean, doubled: 1 });
    const moved = new History().own('a', 0, 0).served('a', 1).moved('a', 'b', 5, 0).applied('b', 1).applied('b', 1);
    expect(check(moved)).toMatchObject({ sent: 1, applied: 1, ...clean, doubled: 2 });
  });

  it('counts what befell a command once, over a restart of the sender and of its own', () => {
    const trouble = (history: History, type: 'failed' | 'retried', seq: number) =>
      history.sender({ type, tenant: history.tenant, kind: history.kind, seq });
    const history = trouble(trouble(new History().own('a', 0, 0).sent(1), 'failed', 1), 'retried', 1).sender({ type: 'started' });
    trouble(trouble(history, 'failed', 1).applied('a', 1).acked(1).sent(2), 'retried', 2);
    expect(check(history)).toMatchObject({ sent: 2, applied: 1, in_flight: 1, ...clean, failed: 1, retried: 2 });
    const checker = new Checker();
    for (const record of history.ledgers.get('sender') ?? []) checker.take('sender', record);
    const goesOn = new Checker(checker.toState());
    expect(goesOn.findings(2_000_000)).toMatchObject({ failed: 1, retried: 2 });
    goesOn.take('sender', { type: 'failed', tenant: history.tenant, kind: history.kind, seq: 1, order: 99, at_us: 3_000_000 });
    expect(goesOn.findings(4_000_000)).toMatchObject({ failed: 1, retried: 2 });
  });

  it('counts an application after the release as wrongly owned', () => {
    const history = new History().own('a', 0, 0).served('a', 1).moved('a', 'b', 5, 1).sent(2).applied('a', 2).acked(2);
    expect(check(history)).toMatchObject({ sent: 2, applied: 2, ...clean, wrong_owner: 1 });
  });

  it('counts an application by a shard that never owned the tenant as wrongly owned', () => {
    expect(check(new History().own('a', 0, 0).served('b', 1))).toMatchObject({ sent: 1, applied: 1, ...clean, wrong_owner: 1 });
  });

  it('counts the earlier owner wrong while a later ownership is open, whatever the earlier one believes', () => {
    const history = new History().own('a', 0, 0).served('a', 1).own('b', 5, 1).served('a', 2).served('b', 3);
    expect(check(history)).toMatchObject({ sent: 3, applied: 3, ...clean, wrong_owner: 1 });
    // A shard that takes the tenant back under an old fence is no owner.
    expect(check(history.own('a', 4, 3).served('a', 4))).toMatchObject({ ...clean, wrong_owner: 2 });
    // Under the next fence it is.
    expect(check(history.release('b', 6, 4).own('a', 6, 4).served('a', 5))).toMatchObject({ ...clean, wrong_owner: 2 });
  });

  it('counts two shards that both made a tenant up', () => {
    const history = new History().own('a', 0, 0).served('a', 1).own('b', 0, 1).served('a', 2).served('b', 3);
    expect(check(history)).toMatchObject({ ...clean, wrong_owner: 1 });
  });

  it('says when a command was applied that nobody sent', () => {
    expect(check(new History().own('a', 0, 0).served('a', 1).applied('a', 2))).toMatchObject({ sent: 1, applied: 1, ...clean, unsent: 1 });
  });

  it('measures a pause from the first send to the acknowledgement, open commands with their time so far', () => {
    const history = new History().own('a', 0, 0).sent(1).wait(40).applied('a', 1).acked(1);
    expect(check(history).longest_pause_ms).toBe(42);
    expect(check(history.sent(2).wait(98).own('b', 7, 1)).longest_pause_ms).toBe(99);
  });

  it('does not count the time its sender was away as a pause', () => {
    const history = new History().own('a', 0, 0).sent(1).wait(60_000).sender({ type: 'started' }).applied('a', 1).acked(1);
    expect(check(history).longest_pause_ms).toBe(2);
  });

  it('sets the pause of a command that met a drain against the drain', () => {
    const history = new History().own('a', 0, 0).served('a', 1).mark('a', 'draining', 5).sent(2).wait(50).mark('a', 'drained', 5).wait(20);
    history.release('a', 5, 1).wait(20).own('b', 5, 1).applied('b', 2).acked(2).served('b', 3);
    expect(check(history).drains).toEqual({ count: 1, longest_ms: 52, longest_pause_ms: 95, worst_pause_beyond_drain_ms: 43 });
  });

  it('leaves older pauses out of the times on demand, and nothing out of the counts', () => {
    const history = new History().own('a', 0, 0).sent(1).wait(500).applied('a', 1).acked(1).served('a', 2);
    const checker = new Checker();
    const all = [...history.ledgers].flatMap(([source, records]) => records.map((record) => ({ source, record })));
    for (const { source, record } of all.sort((a, b) => a.record.at_us - b.record.at_us)) checker.take(source, record);
    const ackedAtUs = history.ledgers.get('sender')?.[1]?.at_us ?? 0;
    const nowUs = ackedAtUs + 10_000;
    expect(checker.findings(nowUs)).toMatchObject({ sent: 2, longest_pause_ms: 502 });
    expect(checker.findings(nowUs, ackedAtUs)).toMatchObject({ sent: 2, longest_pause_ms: 502 });
    expect(checker.findings(nowUs, ackedAtUs + 1)).toMatchObject({ sent: 2, longest_pause_ms: 2 });
  });

  it('adds up over tenants and kinds', () => {
    const first = new History('aggregate', 'tenant-01').own('a', 0, 0).served('a', 1);
    const second = new History('runner', 'tenant-02').own('r', 0, 0).served('r', 1).sent(2).acked(2);
    const checker = new Checker();
    for (const history of [first, second]) {
      const all = [...history.ledgers].flatMap(([source, records]) => records.map((record) => ({ source, record })));
      for (const { source, record } of all.sort((a, b) => a.record.at_us - b.record.at_us)) checker.take(source, record);
    }
    const findings = checker.findings(2_000_000);
    expect(findings).toMatchObject({ sent: 3, applied: 2, lost: 1 });
    expect(findings.tenants).toMatchObject({ 'tenant-01': { sent: 1, lost: 0 }, 'tenant-02': { sent: 2, lost: 1 } });
    expect(new Checker(JSON.parse(JSON.stringify(checker.toState())) as ReturnType<typeof checker.toState>).findings(2_000_000)).toEqual(
      findings,
    );
  });
});
