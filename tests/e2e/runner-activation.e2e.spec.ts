/** Which definitions run is configuration: on the whole stack, all runners go by a change of it, and by its rollback. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { Operator, send, type Job } from './support/operator.js';

type Json = Record<string, unknown>;

let stack: Stack;
let ann: Operator;
let runners: { shard_id: string; url: string }[];

const reason = 'as the test wants it';
const domain = 'runner-activation';

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await send<{ items: { kind: string; shard_id: string; url: string }[] }>(`${stack.simUrl}/sim/shards`);
  runners = body.items.filter(({ kind }) => kind === 'runner');
  for (const seconds of [30, 40]) {
    const text = JSON.stringify({
      ...{ name: 'charge', kind: 'effect', triggers: ['order.placed'], timeout_seconds: seconds },
      steps: [{ id: 'charge', call: 'payments.charge' }],
    });
    expect(await ann.post('/admin/v1/definitions', { text, reason })).toMatchObject({ status: 201 });
  }
}, 180_000);

afterAll(() => stack.stop(), 60_000);

async function changed(how: 'apply' | 'rollback', body: Json): Promise<Job> {
  const plan = await ann.post<{ digest: string; impact: Json }>(`/admin/v1/plan/config/${how}`, { domain, reason, ...body });
  expect([plan.status, plan.body.impact['services']]).toEqual([201, runners.map(({ shard_id: shard }) => `runner/${shard}`)]);
  const started = await ann.post<{ job_id: string }>(`/admin/v1/jobs/config/${how}`, { plan_digest: plan.body.digest, reason });
  expect(started).toMatchObject({ status: 202 });
  return ann.ended(started.body.job_id);
}

/** What each runner says that it runs for whom, and what it goes by, comes to be as given. */
async function allRun(revision: number, of: { everybody: Json; tenant: Json }): Promise<void> {
  expect(runners.length).toBeGreaterThan(1);
  await eventuallyHolds(
    async () => {
      for (const { url } of runners) {
        expect((await send(`${url}/admin/definitions`)).body).toEqual({ revision, definitions: of.everybody });
        expect((await send(`${url}/admin/definitions?tenant=tenant-01`)).body).toEqual({ revision, definitions: of.tenant });
        const { body } = await send<{ config: Json }>(`${url}/admin/state`);
        expect(body.config).toEqual({
          [`${domain}/platform/default`]: { epoch: expect.any(Number), revision, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        });
      }
    },
    { timeoutMs: 30_000, what: `all runners to go by revision ${String(revision)}` },
  );
}

it('is followed by all runners, for everybody and for the tenant that has its own, and so is the way back', async () => {
  for (const { url } of runners) expect((await send(`${url}/admin/definitions`)).body).toEqual({ revision: 0, definitions: {} });
  const first = { defaults: { charge: 1 }, tenants: { 'tenant-01': { charge: 2 } } };
  expect((await changed('apply', { content: first })).status).toBe('succeeded');
  await allRun(1, { everybody: { charge: 1 }, tenant: { charge: 2 } });

  const second = { defaults: { charge: 2 }, tenants: { 'tenant-01': { charge: null } } };
  expect((await changed('apply', { content: second })).status).toBe('succeeded');
  await allRun(2, { everybody: { charge: 2 }, tenant: {} });

  expect((await changed('rollback', { revision: 1 })).status).toBe('succeeded');
  await allRun(3, { everybody: { charge: 1 }, tenant: { charge: 2 } });
}, 120_000);

it('is known to a runner that comes back, and to one that is asked for a tenant that is none', async () => {
  const { shard_id: shard, url } = runners[0] ?? { shard_id: '', url: '' };
  await ann.turn('runner', shard, { down: true });
  await ann.turn('runner', shard, { down: false });
  await allRun(3, { everybody: { charge: 1 }, tenant: { charge: 2 } });
  expect(await send(`${url}/admin/definitions?tenant=No_Tenant`)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
}, 60_000);
