/** The whole stack, with Postgres up and the log taking nothing: nothing happens that could not be recorded, and all goes on by itself. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneServices, onlyReads, type ControlPlaneService, type Permission } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { roleOf } from '@fairlead/postgres';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { operations, type Operation } from './support/fuzz/document.js';
import { Operator, send, type Answer } from './support/operator.js';
import { openWorld, type WorldReader } from './support/world-state.js';

const password = `closed-${randomUUID()}`;
const reason = 'the log takes nothing';
const appending = [
  'log.append(jsonb)',
  'log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[])',
  'log.append_event(text, text, text, bigint, text, int, text, text)',
].join(', ');

let stack: Stack;
let world: WorldReader;
let ann: Operator;
let token: string;
/** What there is to be changed. */
let there: Record<'tenant' | 'drain' | 'resume' | 'user' | 'apiToken' | 'schedule' | 'letter', string>;

beforeAll(async () => {
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: false,
    sim: true,
    log: () => undefined,
    env: { NATS_URL: '' },
  });
  world = await openWorld(stack);
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const account = { email: 'closed@example.test', password };
  const user = await made('/admin/v1/users', { ...account, roles: ['admin'] });
  token = (await send<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, { method: 'POST', body: account })).body.access_token;
  const [tenant = ''] = (await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants')).body.items.map((one) => one.tenant_id);
  const plan = async (kind: string) => String((await made(`/admin/v1/plan/${kind}`, { tenant, reason }))['digest']);
  there = {
    tenant,
    drain: await plan('tenant-drain'),
    resume: await plan('tenant-resume'),
    user: String(user['user_id']),
    apiToken: String((await made('/admin/v1/api-tokens', { name: 'closed', roles: ['viewer'] }))['token_id']),
    schedule: String((await made('/admin/v1/schedules', scheduled('kept')))['schedule_id']),
    letter: '1',
  };
}, 240_000);

afterAll(async () => {
  await world.close();
  await stack.stop();
}, 60_000);

const scheduled = (name: string) => ({
  name,
  kind: 'reload',
  params: { kind: 'gateway', shard: 'gateway-1' },
  cron: '0 3 1 1 *',
  missed: 'once',
  reason,
});

async function made(path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await ann.post(path, body, { 'idempotency-key': randomUUID() });
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const ask = (method: string, path: string, body?: Record<string, unknown>): Promise<Answer> =>
  send(`${stack.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': randomUUID(), 'if-match': '*' },
    ...(body === undefined ? {} : { body }),
  });

/** Requests that would each change something, or hand out what is recorded. */
const changes = (): readonly (readonly [what: string, method: string, path: string, body?: Record<string, unknown>])[] => [
  ['a plan', 'POST', '/admin/v1/plan/tenant-drain', { tenant: there.tenant, reason }],
  ['a job', 'POST', '/admin/v1/jobs/tenant-drain', { plan_digest: there.drain, reason }],
  ['a schedule', 'POST', '/admin/v1/schedules', scheduled('new')],
  ['a schedule that is paused', 'POST', `/admin/v1/schedules/${there.schedule}/pause`, { reason }],
  ['a schedule that is deleted', 'DELETE', `/admin/v1/schedules/${there.schedule}`, { reason }],
  ['a tenant', 'POST', '/admin/v1/tenants', { tenant_id: 'closed', name: 'Closed' }],
  [
    'a shard',
    'PUT',
    '/admin/v1/shards/runner/spare',
    { endpoints: [{ endpoint_id: 'spare-1', url: 'http://127.0.0.1:9' }], state: 'cordoned' },
  ],
  ['a user', 'POST', '/admin/v1/users', { email: 'new@example.test', password, roles: ['viewer'] }],
  ['a user’s role', 'PATCH', `/admin/v1/users/${there.user}`, { roles: ['viewer'] }],
  ['a password', 'POST', '/admin/v1/auth/password', { current_password: password, new_password: `${password}-next` }],
  ['an API token', 'POST', '/admin/v1/api-tokens', { name: 'new', roles: ['viewer'] }],
  ['an end of an API token', 'DELETE', `/admin/v1/api-tokens/${there.apiToken}`],
  ['a decision about a projection', 'POST', '/admin/v1/projections/aggregate_summary/pause', { reason }],
  ['an export of the trail', 'GET', '/admin/v1/audit/export'],
  ['rows of a table', 'GET', '/admin/v1/data/tables/placement/tenant'],
  ['events of the log', 'GET', '/admin/v1/log/events'],
  ['an event of the log', 'GET', '/admin/v1/log/events/1'],
  ['a login', 'POST', '/admin/v1/auth/login', { email: 'closed@example.test', password }],
];

/** What can be read without a name for it, and without a record. */
const reads = operations
  .filter(({ method, path, parameters, answers, recorded }) => {
    const [type, ...types] = Object.keys(answers['200'] ?? {});
    return (
      method === 'GET' &&
      !recorded &&
      !path.includes('{') &&
      type === 'application/json' &&
      types.length === 0 &&
      !parameters.some(({ required }) => required)
    );
  })
  .map(({ path }) => path);

async function grantAppending(way: 'give' | 'take', services: readonly ControlPlaneService[] = controlPlaneServices): Promise<void> {
  const roles = services.map(roleOf).join(', ');
  await world.admin.query(
    way === 'give' ? `grant execute on function ${appending} to ${roles}` : `revoke execute on function ${appending} from ${roles}`,
  );
}

/** Every change is refused with that problem, nothing of it is found anywhere, and what reads is answered. */
async function expectClosed(): Promise<void> {
  const before = await world.read();
  expect(Object.keys(before.buckets)).toContain('KV_PLACEMENT');
  for (const [what, method, path, body] of changes())
    expect([what, await ask(method, path, body)]).toEqual([
      what,
      expect.objectContaining({ status: 503, body: expect.objectContaining({ code: 'audit_unavailable' }) }),
    ]);
  expect(reads.length).toBeGreaterThan(15);
  for (const path of reads) expect([path, (await ask('GET', path)).status]).toEqual([path, 200]);
  expect(await world.read()).toEqual(before);
}

/** One change goes through: it has no effect of its own to be undone. */
const opens = () =>
  eventuallyHolds(
    async () => {
      expect((await ask('POST', '/admin/v1/plan/tenant-drain', { tenant: there.tenant, reason })).status).toBe(201);
    },
    {
      timeoutMs: 30_000,
      what: 'changes to go on',
    },
  );

const concrete = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, '1');
const isChange = ({ method, permission }: Operation) =>
  method !== 'GET' && permission !== undefined && !onlyReads(permission as Permission);

describe('while nobody may append to the log', () => {
  beforeAll(async () => {
    await grantAppending('take');
    // What a gate saw before holds for a second.
    await eventuallyHolds(
      async () => {
        expect((await ask('POST', '/admin/v1/tenants', {})).status).toBe(503);
      },
      { what: 'the gate to close' },
    );
  });

  afterAll(async () => {
    await grantAppending('give');
    await opens();
  });

  it.each(operations.filter(isChange).map((operation) => [operation.id, operation] as const))('%s is refused', async (_id, operation) => {
    const answer = await ask(operation.method, concrete(operation), operation.body === undefined ? undefined : {});
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'audit_unavailable', detail: expect.stringMatching(/may lack the right to append/) },
    });
  });

  it('no change has an effect, what reads goes on', expectClosed, 60_000);
});

describe('while a service may append to the log and the one behind it may not', () => {
  const behind = controlPlaneServices.filter((service) => service !== 'api-gateway');

  it('what that one would do is refused, and has no effect', async () => {
    await grantAppending('take', behind);
    try {
      const before = await world.read();
      const own = [
        ...['a user', 'a user’s role', 'a password', 'an API token', 'an end of an API token', 'a login'],
        ...['an export of the trail', 'rows of a table', 'events of the log', 'an event of the log'],
      ];
      for (const [what, method, path, body] of changes().filter(([name]) => !own.includes(name)))
        await eventuallyHolds(
          async () => {
            expect([what, await ask(method, path, body)]).toMatchObject([what, { status: 503, body: { code: 'audit_unavailable' } }]);
          },
          { what },
        );
      expect(await world.read()).toEqual(before);
      // That it was asked for is recorded, that it is handed out can't be.
      expect(await ask('GET', '/admin/v1/audit/export')).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } });
    } finally {
      await grantAppending('give', behind);
    }
    await opens();
  }, 60_000);
});

describe('while the log has no partition for the next position', () => {
  it('no gate sees it, and still no change has an effect', async () => {
    const roles = controlPlaneServices.map(roleOf).join(', ');
    await world.admin.query(`revoke execute on function log.keep_partitions() from ${roles}`);
    const [kept] = await world.admin.query<{ until: number }>('select partitioned_until as until from log.head');
    try {
      await world.admin.query('update log.head set partitioned_until = position + 1');
      await expectClosed();
    } finally {
      await world.admin.query('update log.head set partitioned_until = $1', [kept?.until]);
      await world.admin.query(`grant execute on function log.keep_partitions() to ${roles}`);
    }
    await opens();
  }, 60_000);
});

it('what was refused is done once it can be recorded, under the same plan', async () => {
  const { body } = await ask('POST', '/admin/v1/jobs/tenant-drain', { plan_digest: there.drain, reason });
  expect((await ann.ended(String(body['job_id']))).status).toBe('succeeded');
  const { effects } = await world.read();
  expect(
    effects.filter(({ key }) => key.startsWith(String(body['job_id']))).map(({ op, tenant_id: tenant }) => [op, tenant]),
  ).toContainEqual(['drain', there.tenant]);
}, 60_000);
