/** The change stream of a whole stack, for a program of one tenant; and all that such a program is refused. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, testFolder } from '@fairlead/testing';
import { readChanges } from './support/change-reader.js';
import { Operator } from './support/operator.js';
import { callAll, gatewaySigner } from './support/rpcs.js';

let stack: Stack;
let ann: Operator;
let tenant: string;
let other: string;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  [tenant = '', other = ''] = body.items.map(({ tenant_id }) => tenant_id);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

describe('a program of one tenant', () => {
  it('reads what happened to it, live and from the beginning, and nothing of anybody else', async () => {
    const made = await ann.post<{ token: string }>('/admin/v1/api-tokens', {
      name: 'tenant',
      roles: ['operator'],
      scope: { tenants: [tenant] },
    });
    expect(made.status).toBe(201);
    const reader = readChanges(stack.url, () => made.body.token, { cursor: '0' });
    try {
      const jobs = await Promise.all([tenant, other].map((one) => ann.elsewhere(one).then((to) => ann.migrateSoon(one, to))));
      const changes = () => reader.items.flatMap((item) => (item.kind === 'change' ? [item.change] : []));
      await eventually(() => changes().find(({ type, aggregate_id }) => type === 'job_succeeded' && aggregate_id === jobs[0]), {
        timeoutMs: 60_000,
        what: 'the end of its job',
      });
      const types = changes().map(({ aggregate_type, type }) => `${aggregate_type}.${type}`);
      for (const type of [
        'tenant.tenant_created',
        'plan.plan_created',
        'job.job_queued',
        'job.step_succeeded',
        'placement_map.tenant_moved',
      ])
        expect(types).toContain(type);
      expect([...new Set(changes().map(({ tenant_id }) => tenant_id))]).toEqual([tenant]);
      expect(JSON.stringify(changes())).not.toContain(`"${other}"`);
      const positions = changes().map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort((one, next) => one - next));
    } finally {
      reader.stop();
      expect(await reader.ended).toBeUndefined();
    }
  }, 90_000);

  it('is refused by every RPC of every service but those that heed scopes', async () => {
    const signer = await gatewaySigner(stack);
    const token = await signer.signUser({ userId: 'usr_1', email: 'a@example.test', roles: ['admin'], scope: { tenants: [tenant] } }, 60);
    const answers = await callAll(stack, token);
    const heeding = ['ChangeStreamService/Watch', 'PlacementService/GetTenant'];
    // The one is asked for no cursor, the other for no tenant.
    expect(heeding.map((name) => answers[name]?.code)).toEqual(['answered', 'invalid_argument']);
    const rest = Object.entries(answers).filter(([name]) => !heeding.includes(name));
    expect(rest.length).toBeGreaterThan(25);
    expect(rest.filter(([, { code }]) => code !== 'permission_denied')).toEqual([]);
  }, 60_000);
});
