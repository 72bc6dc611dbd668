import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { eventually, testFolder } from '@fairlead/testing';
import type { Figures } from './checker/checker.js';
import type { SimOverrides } from './sim.js';
import { Fleet } from './testing/fleet.js';

// Much of it waits for disks and timers, which take their time on a busy machine.
/** The whole simulated fleet under load, its placement held in memory and its hand-overs driven over HTTP. */
const tenants = ['tenant-01', 'tenant-02', 'tenant-03', 'tenant-04', 'tenant-05', 'tenant-06'];
const exact = { lost: 0, doubled: 0, wrong_owner: 0, unsent: 0 };

let fleet: Fleet;
afterEach(() => fleet.stop());

async function startLoaded(overrides: SimOverrides = {}): Promise<string> {
  const dir = testFolder('fleet');
  fleet = await Fleet.start(dir, { SIM_TENANTS: String(tenants.length), SIM_RATE: '200' }, overrides);
  fleet.placeAll(tenants);
  await everyTenantServed();
  return dir;
}

/** Waits until every tenant had more commands applied than it has now. */
async function everyTenantServed(more = 5): Promise<void> {
  const before = (await fleet.report()).tenants;
  await eventually(
    async () => {
      const now = (await fleet.report()).tenants;
      return tenants.every((tenant) => (now[tenant]?.applied ?? 0) >= (before[tenant]?.applied ?? 0) + more);
    },
    { what: 'every tenant to be served', timeoutMs: 15_000 },
  );
}

const other = (kind: PlacedKind, tenant: string) => (fleet.maps[kind].get(tenant) === `${kind}-1` ? `${kind}-2` : `${kind}-1`);
const moveAway = (tenant: string, kind: PlacedKind) => fleet.handOver(tenant, kind, other(kind, tenant));

async function moveInRounds(moved: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const kind of placedKinds) await Promise.all(moved.map((tenant) => moveAway(tenant, kind)));
  }
}

/** Crashes one member after the other until told to stop; returns how often. */
async function crashInTurn(stop: AbortSignal): Promise<number> {
  const members = [...placedKinds, 'gateway'].flatMap((kind) => [1, 2].map((number) => [kind, `${kind}-${String(number)}`] as const));
  let count = 0;
  for (; !stop.aborted; count++) {
    const [kind, shard] = members[(count * 3) % members.length] ?? ['gateway', 'gateway-1'];
    await fleet.knobs(kind, shard, { crash: { restart_ms: 20 } });
    await sleep(40);
  }
  return count;
}

describe('simulated fleet under load', () => {
  it('hands tenants over without losing, doubling or misplacing a command', async () => {
    await startLoaded();
    for (const kind of placedKinds) await moveAway('tenant-01', kind);
    await Promise.all(tenants.map((tenant) => moveAway(tenant, 'runner')));
    await everyTenantServed();
    const report = await fleet.report();
    expect(report).toMatchObject(exact);
    expect(report.tenants['tenant-01']).toMatchObject(exact);
    expect(report.drains.count).toBe(placedKinds.length + tenants.length);
    expect(report.drains.worst_pause_beyond_drain_ms).toBeLessThan(10_000);
    expect(report.longest_pause_ms).toBeGreaterThan(0);
    expect((await fleet.report(report.as_of_ms + 3_600_000)).drains.count).toBe(0);
  });

  it('stays exact while shards and gateways crash in the middle of hand-overs', async () => {
    await startLoaded();
    const moving = moveInRounds(['tenant-01', 'tenant-02'], 3);
    const crashing = new AbortController();
    const crashes = crashInTurn(crashing.signal);
    await moving.finally(() => {
      crashing.abort();
    });
    expect(await crashes).toBeGreaterThan(5);
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject(exact);
  });

  it('tells what administrative commands did, once however often they were asked', async () => {
    await startLoaded();
    const [tenant, kind] = ['tenant-04', 'runner'] as const;
    const from = fleet.maps[kind].get(tenant) ?? '';
    const to = other(kind, tenant);
    const asked = async (shard: string, op: string, key: string, more: Record<string, unknown> = {}) => {
      const answers = await Promise.all([1, 2, 3].map(() => fleet.admin(kind, shard, tenant, op, { idempotency_key: key, ...more })));
      return answers[0]?.body ?? {};
    };
    const fence = fleet.nextFence();
    await asked(from, 'drain', 'job-1:drain');
    await eventually(async () => (await fleet.tenant(kind, from, tenant))['state'] === 'drained', { what: 'drained' });
    const copy = await asked(from, 'export', 'job-1:export');
    await asked(to, 'import', 'job-1:import', { data: copy['data'], sha256: copy['sha256'] });
    await asked(to, 'resume', 'job-1:resume');
    await asked(to, 'resume', 'job-1:resume', { fence: fleet.nextFence() });
    await asked(to, 'resume', 'job-2:resume');
    await asked(to, 'drain', 'job-1:late', { fence });
    const { body } = await fleet.get(`${fleet.url}/sim/effects?key_prefix=job-1:`);
    const effect = (shard: string, op: string, record: string) =>
      expect.objectContaining({ shard: `${kind}/${shard}`, tenant_id: tenant, op, key: `job-1:${op}`, record, fence });
    expect(body).toEqual({
      items: [
        effect(from, 'drain', 'draining'),
        effect(from, 'export', 'release'),
        effect(to, 'import', 'imported'),
        effect(to, 'resume', 'own'),
      ],
      complete: true,
    });
    const later = await fleet.get(`${fleet.url}/sim/effects?key_prefix=job-2:`);
    expect(later.body).toMatchObject({ items: [{ op: 'resume', record: 'noted' }] });
  });

  it('takes a hand-over back: the tenant serves at its origin again', async () => {
    await startLoaded();
    const [tenant, kind] = ['tenant-03', 'aggregate'] as const;
    const from = fleet.maps[kind].get(tenant) ?? '';
    const to = other(kind, tenant);
    const fence = { fence: fleet.nextFence() };
    await fleet.admin(kind, from, tenant, 'drain', fence);
    await eventually(async () => (await fleet.tenant(kind, from, tenant))['state'] === 'drained', { what: 'drained' });
    const { body: copy } = await fleet.admin(kind, from, tenant, 'export', fence);
    await fleet.admin(kind, to, tenant, 'import', { ...fence, data: copy['data'], sha256: copy['sha256'] });
    const undo = { fence: fleet.nextFence() };
    expect(await fleet.admin(kind, to, tenant, 'drop', { ...undo, moved_revision: 0 })).toMatchObject({ body: { state: 'absent' } });
    expect(await fleet.admin(kind, from, tenant, 'resume', undo)).toMatchObject({ body: { state: 'active' } });
    expect(await fleet.admin(kind, to, tenant, 'resume', fence)).toMatchObject({ status: 409, body: { code: 'stale_fence' } });
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject(exact);
  });

  it('serves from its saved placement after a restart of a gateway that learns of none', async () => {
    await startLoaded();
    await fleet.knobs('gateway', 'gateway-1', { down: true });
    fleet.forgetPlacement();
    expect((await fleet.knobs('gateway', 'gateway-1', { down: false })).body).toMatchObject({ running: true, down: false });
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject({ ...exact, failed: 0 });
  });

  it('keeps a shard down until it is told otherwise, and counts nothing twice when a frozen one answers late', async () => {
    await startLoaded();
    const shard = fleet.maps.aggregate.get('tenant-01') ?? '';
    expect((await fleet.knobs('aggregate', shard, { down: true })).body).toMatchObject({ running: false, down: true });
    expect((await fleet.knobs('aggregate', shard, { crash: { restart_ms: 0 } })).body).toMatchObject({ running: false });
    expect((await fleet.knobs('aggregate', shard, { down: false })).body).toMatchObject({ running: true });
    await everyTenantServed();
    expect((await fleet.knobs('aggregate', shard, { frozen: true })).body).toMatchObject({ frozen: true });
    const late = fleet.admin('aggregate', shard, 'tenant-01', 'drain', { fence: fleet.nextFence() });
    await expect(fetch(`${fleet.shardUrl('aggregate', shard)}/health`, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout');
    await fleet.knobs('aggregate', shard, { frozen: false });
    expect((await late).body).toMatchObject({ tenant_id: 'tenant-01' });
    await fleet.admin('aggregate', shard, 'tenant-01', 'resume', { fence: fleet.nextFence() });
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject(exact);
  });

  it('counts a command as failed when its caller is answered with an error, once', async () => {
    await startLoaded();
    const shard = fleet.maps.runner.get('tenant-02') ?? '';
    fleet.maps.runner.delete('tenant-02');
    fleet.place('runner', 'tenant-01', fleet.maps.runner.get('tenant-01') ?? '');
    await eventually(async () => (await fleet.report()).failed > 0, { what: 'a caller to be answered with an error' });
    fleet.place('runner', 'tenant-02', shard);
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject({ ...exact, failed: 1 });
  });

  it('loses no command to a gateway that is behind', async () => {
    await startLoaded();
    await fleet.knobs('gateway', 'gateway-2', { delay_ms: 300 });
    const kind = 'aggregate';
    for (const tenant of ['tenant-01', 'tenant-02']) {
      const from = fleet.maps[kind].get(tenant) ?? '';
      const to = other(kind, tenant);
      const fence = { fence: fleet.nextFence() };
      await fleet.admin(kind, from, tenant, 'drain', fence);
      await eventually(async () => (await fleet.tenant(kind, from, tenant))['state'] === 'drained', { what: 'drained' });
      const { body: copy } = await fleet.admin(kind, from, tenant, 'export', fence);
      await fleet.admin(kind, to, tenant, 'import', { ...fence, data: copy['data'], sha256: copy['sha256'] });
      const revision = fleet.place(kind, tenant, to);
      // The migration does not wait for this gateway: it meets a shard that answers `moved`.
      await fleet.admin(kind, to, tenant, 'resume', fence);
      await fleet.admin(kind, from, tenant, 'drop', { ...fence, moved_revision: revision });
    }
    const { body: state } = await fleet.get(`${fleet.shardUrl('gateway', 'gateway-2')}/admin/state`);
    expect(await fleet.gatewaysApplied((state['revision'] as number) + 1)).toBe(false);
    await everyTenantServed();
    const report = await fleet.report();
    expect(report).toMatchObject(exact);
    expect(report.drains.longest_pause_ms).toBeLessThan(10_000);
  });

  it('goes on after a restart where it was: ports, numbers, counts, and placement without a control plane', async () => {
    await startLoaded();
    await moveAway('tenant-01', 'runner');
    const before = await fleet.report();
    const urls = [fleet.url, fleet.shardUrl('gateway', 'gateway-1'), fleet.shardUrl('runner', 'runner-2')];
    await fleet.stop();
    fleet.forgetPlacement();
    await fleet.startAgain();
    expect([fleet.url, fleet.shardUrl('gateway', 'gateway-1'), fleet.shardUrl('runner', 'runner-2')]).toEqual(urls);
    await everyTenantServed();
    const after = await fleet.report();
    expect(after).toMatchObject(exact);
    expect(after.sent).toBeGreaterThan(before.sent);
    expect(after.drains.count).toBe(1);
  });

  it('removes what is accounted for and keeps its counts', async () => {
    const dir = await startLoaded({ tidyEveryMs: 100, evidenceBytes: 50_000, segmentBytes: 10_000 });
    const ledger = join(dir, 'sender', 'ledger');
    await eventually(() => !existsSync(join(ledger, '000000000000000.jsonl')), {
      what: 'the first segment to be removed',
      timeoutMs: 20_000,
    });
    await moveAway('tenant-02', 'projection');
    const before = await fleet.report();
    await fleet.stop();
    await fleet.startAgain();
    await everyTenantServed();
    const after = await fleet.report();
    expect(after).toMatchObject(exact);
    expect(after.sent).toBeGreaterThanOrEqual(before.sent + tenants.length);
    expect(after.tenants['tenant-01']?.applied).toBeGreaterThan(before.tenants['tenant-01']?.applied ?? 0);
    expect(readdirSync(ledger).length).toBeLessThan(20);
  });
});

describe('checker on ledgers that were changed by hand', () => {
  const ledgerOf = (dir: string, kind: string, shard: string) => join(dir, 'shards', kind, shard, 'ledger', '000000000000000.jsonl');
  const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');
  const isApplied = (line: string) => line.includes('"applied"') && line.includes('"tenant-01"');

  /** Runs a fleet, stops it, changes its ledgers, and reports on what is found at the next start. */
  async function findingsAfter(change: (dir: string) => void): Promise<Figures> {
    const dir = await startLoaded();
    await moveAway('tenant-01', 'aggregate');
    await everyTenantServed();
    await fleet.stop();
    change(dir);
    fleet.setRate(0);
    await fleet.startAgain();
    return fleet.report();
  }

  it('finds one lost command', async () => {
    const findings = await findingsAfter((dir) => {
      const file = ledgerOf(dir, 'aggregate', 'aggregate-2');
      const all = lines(file);
      const at = all.findIndex(isApplied);
      writeFileSync(file, `${all.filter((_, index) => index !== at).join('\n')}\n`);
    });
    expect(findings).toMatchObject({ ...exact, lost: 1 });
  });

  it('finds one doubled command', async () => {
    const findings = await findingsAfter((dir) => {
      const file = ledgerOf(dir, 'aggregate', 'aggregate-2');
      appendFileSync(file, `${lines(file).find(isApplied) ?? ''}\n`);
    });
    expect(findings).toMatchObject({ ...exact, doubled: 1 });
  });

  it('finds one command applied by a shard that was not the owner', async () => {
    const findings = await findingsAfter((dir) => {
      const owner = ledgerOf(dir, 'aggregate', 'aggregate-2');
      const all = lines(owner);
      const at = all.findLastIndex(isApplied);
      writeFileSync(owner, `${all.filter((_, index) => index !== at).join('\n')}\n`);
      appendFileSync(ledgerOf(dir, 'aggregate', 'aggregate-1'), `${all[at] ?? ''}\n`);
    });
    expect(findings).toMatchObject({ ...exact, wrong_owner: 1 });
  });

  it('finds a command doubled while the fleet runs', async () => {
    const dir = await startLoaded();
    const file = ledgerOf(dir, 'projection', 'projection-1');
    appendFileSync(file, `${lines(file).find(isApplied) ?? ''}\n`);
    await eventually(async () => (await fleet.report()).doubled === 1, { what: 'the doubled command to be found' });
    await everyTenantServed();
    expect(await fleet.report()).toMatchObject({ ...exact, doubled: 1 });
  });
});
