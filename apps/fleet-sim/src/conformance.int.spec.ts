import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceKind } from '@fairlead/contracts';
import { checkConformance, rules, testTenant, type ConformanceOptions, type ConformanceReport } from '@fairlead/fleet-conformance';
import { testFolder } from '@fairlead/testing';
import { breakableRules } from './fleet/broken-rules.js';
import { Fleet, fleetToken } from './testing/fleet.js';

/** The check of the fleet contract, held against the simulated fleet: as it is, and with each rule broken in turn. */
let fleet: Fleet;
let tenants = 0;

beforeAll(async () => {
  fleet = await Fleet.start(testFolder('conformance'), { SIM_RATE: '0' }, { random: () => 0 });
});
afterAll(() => fleet.stop());

async function check(kind: ServiceKind, more: Partial<ConformanceOptions> = {}): Promise<ConformanceReport> {
  const tenantId = more.tenantId ?? `${testTenant}-${String(++tenants)}`;
  for (const placed of ['aggregate', 'projection', 'runner'] as const) fleet.place(placed, tenantId, `${placed}-1`);
  return checkConformance({
    kind,
    url: fleet.shardUrl(kind, `${kind}-1`),
    fleetToken,
    tenantId,
    ...(kind === 'gateway' ? {} : { commandPath: '/tenants/{tenant}/commands' }),
    timeoutMs: 5_000,
    settleMs: 5_000,
    ...more,
  });
}

const broken = ({ verdicts }: ConformanceReport) => verdicts.filter(({ verdict }) => verdict === 'fail');

describe('the simulated fleet', () => {
  it.each(['aggregate', 'projection', 'runner'] as const)('keeps every rule that can be seen, as %s', async (kind) => {
    const report = await check(kind, { peerUrl: fleet.shardUrl(kind, `${kind}-2`) });
    expect(broken(report)).toEqual([]);
    expect(report).toMatchObject({ conforms: true, leftBehind: undefined });
    const unseen = report.verdicts.filter(({ verdict }) => verdict === 'not_checked').map(({ rule }) => rule);
    expect(unseen).toEqual(['S8', 'T4', 'T5', 'T7', ...(kind === 'runner' ? ['D1'] : [])]);
    for (const shard of [`${kind}-1`, `${kind}-2`])
      expect(await fleet.tenant(kind, shard, `${testTenant}-${String(tenants)}`)).toMatchObject({ state: 'absent' });
  });

  it('keeps every rule that can be seen, as gateway', async () => {
    fleet.placeAll([]);
    const report = await check('gateway');
    expect(broken(report)).toEqual([]);
    expect(report.conforms).toBe(true);
    const seen = report.verdicts.filter(({ verdict }) => verdict === 'pass').map(({ rule }) => rule);
    expect(seen).toEqual(['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'G1', 'G7', 'G8']);
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  });
});

describe('a service that breaks a rule', () => {
  const kindOf = (rule: string) =>
    rule.startsWith('G') ? 'gateway' : rule.startsWith('D') ? 'runner' : rule === 'T3' ? 'projection' : 'aggregate';

  it.each(breakableRules)('is told that it breaks %s', async (rule) => {
    const kind = kindOf(rule);
    await fleet.knobs(kind, `${kind}-1`, { breaks: [rule] });
    const report = await check(kind, { only: [rule], ...(rule === 'C1' ? { settleMs: 300 } : {}) }).finally(() =>
      fleet.knobs(kind, `${kind}-1`, { breaks: [] }),
    );
    expect(report.verdicts).toMatchObject([{ rule, verdict: 'fail', expected: expect.any(String), got: expect.any(String) }]);
    expect(report.conforms).toBe(!rules.some(({ id, mandatory }) => id === rule && mandatory));
    expect(JSON.stringify(report)).not.toContain(fleetToken);
  });

  it('is told by a broken rule alone what it does not keep, when it can be', () => {
    const seen = rules.filter((rule) => 'check' in rule).map(({ id }) => id);
    // A copy of a mebibyte takes a tenant that large.
    expect(seen.filter((id) => !(breakableRules as string[]).includes(id))).toEqual(['H7']);
  });
});

describe('a check that does not come to its end', () => {
  it('says of a drain that does not end, and that the tenant is still there', async () => {
    await fleet.knobs('runner', 'runner-1', { stuck: true });
    const report = await check('runner', { only: ['T3', 'T6'], settleMs: 200 });
    expect(report).toMatchObject({
      conforms: false,
      verdicts: [
        { rule: 'T3', verdict: 'fail' },
        { rule: 'T6', verdict: 'not_checked' },
      ],
    });
    expect(report.leftBehind).toContain(`${testTenant}-${String(tenants)}`);
    await fleet.knobs('runner', 'runner-1', { stuck: false });
  });

  it('removes its tenant all the same', async () => {
    const ended = new AbortController();
    const report = await check('aggregate', {
      only: ['T6', 'F1'],
      signal: ended.signal,
      onVerdict: () => {
        ended.abort();
      },
    });
    expect(report).toMatchObject({
      conforms: false,
      leftBehind: undefined,
      verdicts: [
        { rule: 'T6', verdict: 'pass' },
        { rule: 'F1', verdict: 'not_checked' },
      ],
    });
    expect(await fleet.tenant('aggregate', 'aggregate-1', `${testTenant}-${String(tenants)}`)).toMatchObject({ state: 'absent' });
  });

  it('begins again with the copy that the last one left, where the tenant is gone', async () => {
    const first = await check('aggregate', { only: ['H1'] });
    const tenantId = `${testTenant}-${String(tenants)}`;
    expect(await check('aggregate', { tenantId, only: ['H1'] })).toMatchObject({
      conforms: false,
      verdicts: [
        { verdict: 'not_checked', why: expect.stringContaining(`fairlead tenant create ${tenantId} --place aggregate=<shard>`) as unknown },
      ],
    });
    expect(await check('aggregate', { tenantId, only: ['H1'], copy: first.copy })).toMatchObject({ conforms: true });
  });

  it('does not touch a tenant that has done work, nor begin where nobody answers', async () => {
    fleet.place('aggregate', 'a-customer', 'aggregate-1');
    await fleet.post(`${fleet.shardUrl('aggregate', 'aggregate-1')}/tenants/a-customer/commands`, { seq: 1 }, {});
    await expect(check('aggregate', { tenantId: 'a-customer' })).rejects.toThrow('has done work');
    expect(await fleet.tenant('aggregate', 'aggregate-1', 'a-customer')).toMatchObject({ state: 'active', fence: 0, last_seq: 1 });
    await expect(check('aggregate', { url: 'http://127.0.0.1:1' })).rejects.toThrow('nobody answers');
  });
});
