// Real: Postgres with the event log, the provisioner over gRPC, a placement server over gRPC, managed services over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey } from '@fairlead/auth';
import type { FairleadError } from '@fairlead/contracts';
import { readLog, type StoredEvent } from '@fairlead/event-log';
import { createLogger, newContext, runInContext } from '@fairlead/telemetry';
import { eventually, testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';
import { fleetToken, sha256, startManagedService, stateText } from './managed-service.fixture.js';
import { startStack, type Stack } from './provisioner.fixture.js';

let database: TestDatabase;
let stack: Stack;
let tenantId = '';
let tenantCount = 0;

// Loaded machines take their time; a hang still ends.
/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'provisioner', migrations });
  cleanups.push(() => database.drop());
  stack = await startStack({
    database,
    env: { FLEET_CALL_TIMEOUT_MS: '400', FLEET_TRANSFER_TIMEOUT_MS: '2000', FLEET_MAX_TENANT_BYTES: '100000' },
  });
  cleanups.push(() => stack.stop());
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

beforeEach(() => {
  tenantCount += 1;
  tenantId = `tenant-${String(tenantCount)}`;
  stack.origin.tenants.set(tenantId, { state: 'active', fence: 0, lastSeq: 42, data: stateText(42) });
  for (const managed of [stack.origin, stack.target, ...stack.gateways]) {
    managed.intercept = undefined;
    managed.asked.length = 0;
    managed.effects.length = 0;
  }
});

const at = (shardId: string) => ({ tenantId, kind: 'aggregate', shardId });
const command = (step: string, fence = 5) => ({ idempotencyKey: `job_${tenantId}:${step}`, fence, reason: 'rebalance' });
const drain = (fence?: number, step = 'drain') => stack.client.drainTenant({ target: at('a-1'), command: command(step, fence) });
const handOver = (fence?: number) =>
  stack.client.handOverTenant({ from: at('a-1'), toShardId: 'a-2', command: command('hand-over', fence) });

async function errorOf(call: Promise<unknown>): Promise<FairleadError> {
  return call.then(
    () => {
      throw new Error('the call should have failed');
    },
    (error: unknown) => error as FairleadError,
  );
}

const codesOf = (calls: readonly Promise<unknown>[]) => Promise.all(calls.map(async (call) => (await errorOf(call)).code));

const eventsOf = (resource = `tenant/${tenantId}/aggregate`): Promise<StoredEvent[]> =>
  readLog(database.db, { after: 0, limit: 1_000, aggregateType: 'service_command', aggregateId: resource });

const typesOf = async () => (await eventsOf()).map(({ type, payload }) => `${type} ${String(payload['attempt'])}`);

async function rowOf(step: string) {
  const [row] = await database.db.query<{
    status: string;
    attempt: number;
    fence: number;
    error: unknown;
    job_id: string | null;
    step: string | null;
  }>('select status, attempt, fence, error, job_id, step from command where idempotency_key = $1', [`job_${tenantId}:${step}`]);
  return row;
}

describe('the way of a tenant', () => {
  it('drains, hands over, resumes and drops, each step in the log before and after its effect', async () => {
    const context = newContext({ correlationId: 'cor_move', requestId: 'req_move', jobId: 'job_9', step: 'drain' });
    const drained = await runInContext(context, () => drain());
    expect(drained.state).toEqual({ state: 'drained', inflight: 0, lag: 0, fence: 5, lastSeq: 42 });
    expect((await stack.client.getTenantState({ target: at('a-1') })).state?.state).toBe('drained');
    expect((await stack.client.getTenantState({ target: at('a-2') })).state?.state).toBe('absent');
    expect(await handOver()).toEqual({ bytes: stateText(42).length, sha256: sha256(stateText(42)), lastSeq: 42 });
    expect((await stack.client.resumeTenant({ target: at('a-2'), command: command('resume') })).state?.state).toBe('active');
    const dropped = await stack.client.dropTenantCopy({ target: at('a-1'), command: command('drop'), movedRevision: 7 });
    expect(dropped.state?.state).toBe('moved');
    expect(stack.origin.effects).toEqual([`drain ${tenantId}`, `export ${tenantId}`, `drop ${tenantId}`]);
    expect(stack.target.effects).toEqual([`import ${tenantId}`, `resume ${tenantId}`]);
    expect(stack.origin.asked.at(-1)?.body).toMatchObject({ moved_revision: 7 });

    const events = await eventsOf();
    expect(events.map(({ type, payload }) => `${String(payload['operation'])} ${type}`)).toEqual(
      ['drain', 'hand_over', 'resume', 'drop_copy'].flatMap((operation) => [
        `${operation} command_issued`,
        `${operation} command_succeeded`,
      ]),
    );
    expect(events[0]?.meta).toMatchObject({
      principal: 'user:usr_anna',
      via: 'job-orchestrator',
      tenant_id: tenantId,
      correlation_id: 'cor_move',
      request_id: 'req_move',
      job_id: 'job_9',
      step: 'drain',
      reason: 'rebalance',
    });
    expect(await rowOf('drain')).toMatchObject({ status: 'succeeded', job_id: 'job_9', step: 'drain' });
    expect(stack.origin.asked[0]?.headers).toMatchObject({ 'x-correlation-id': 'cor_move', traceparent: context.traceparent });
  });

  it('sends the token with commands and with nothing else, and keeps and logs it nowhere', async () => {
    const lines: string[] = [];
    const logger = createLogger({ service: 'provisioner', level: 'trace', destination: { write: (line) => void lines.push(line) } });
    const replica = await stack.replica({ logger });
    await replica.client.drainTenant({ target: at('a-1'), command: command('drain') });
    await replica.client.getTenantState({ target: at('a-1') });
    expect(stack.origin.asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${fleetToken}`, undefined]);
    stack.origin.intercept = (_, response) => {
      response.socket?.destroy();
      return true;
    };
    expect((await errorOf(replica.client.resumeTenant({ target: at('a-1'), command: command('resume') }))).code).toBe(
      'service_unreachable',
    );
    await replica.stop();
    const kept = await database.adminSql.query('select to_jsonb(command) as row from provisioner.command');
    expect(lines.join('')).toContain('service_unreachable');
    expect(JSON.stringify([lines, kept, await eventsOf()])).not.toContain(fleetToken);
  });

  it('records a command as issued, with its event, before its effect', async () => {
    let seen: unknown;
    stack.origin.intercept = async () => {
      seen = [(await rowOf('drain'))?.status, await typesOf()];
      return false;
    };
    await drain();
    expect(seen).toEqual(['issued', ['command_issued 1']]);
  });
});

describe('a repeat', () => {
  it('answers what was answered, without asking placement or the service', async () => {
    const first = await drain();
    const calls = stack.placementCalls();
    expect(await drain()).toEqual(first);
    expect(await drain(8)).toEqual(first);
    expect([stack.origin.asked.length, stack.placementCalls()]).toEqual([1, calls]);
    expect(await typesOf()).toEqual(['command_issued 1', 'command_succeeded 1']);
  });

  it('with another request is refused', async () => {
    await drain();
    const others = [
      stack.client.drainTenant({ target: at('a-2'), command: command('drain') }),
      stack.client.drainTenant({ target: { ...at('a-1'), tenantId: 'other' }, command: command('drain') }),
      stack.client.resumeTenant({ target: at('a-1'), command: command('drain') }),
    ];
    expect(await codesOf(others)).toEqual(Array(3).fill('idempotency_key_reused'));
    expect(stack.origin.effects).toEqual([`drain ${tenantId}`]);
    expect(stack.target.asked).toEqual([]);
  });

  it('after a definite refusal is asked again', async () => {
    const refused = await errorOf(handOver());
    expect([refused.code, refused.details['endpoint_id'], refused.details['shard_id']]).toEqual(['tenant_state', 'e1', 'a-1']);
    expect(await rowOf('hand-over')).toMatchObject({ status: 'failed', error: { code: 'tenant_state' } });
    await drain();
    expect((await handOver()).lastSeq).toBe(42);
    expect(await rowOf('hand-over')).toMatchObject({ status: 'succeeded', attempt: 2, error: null });
    expect(await typesOf()).toEqual([
      'command_issued 1',
      'command_failed 1',
      'command_issued 1',
      'command_succeeded 1',
      'command_issued 2',
      'command_succeeded 2',
    ]);
  });

  it('at the same moment has one effect: within a replica, and across two', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => drain()));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(stack.origin.asked).toHaveLength(1);
    const replica = await stack.replica();
    try {
      const resume = { target: at('a-1'), command: command('resume') };
      const both = await Promise.all([stack.client, replica.client].map((client) => client.resumeTenant(resume)));
      expect(both.map(({ state }) => state?.state)).toEqual(['active', 'active']);
    } finally {
      await replica.stop();
    }
    expect(stack.origin.effects).toEqual([`drain ${tenantId}`, `resume ${tenantId}`]);
    expect((await typesOf()).filter((type) => type.startsWith('command_succeeded'))).toHaveLength(2);
  });
});

describe('a fence', () => {
  it('lower than one seen for the tenant and kind is refused, at every shard and for done commands too', async () => {
    await drain(5);
    const calls = [drain(4), drain(4, 'other'), stack.client.resumeTenant({ target: at('a-2'), command: command('resume', 4) })];
    const errors = await Promise.all(calls.map(errorOf));
    for (const error of errors) expect(error).toMatchObject({ code: 'stale_fence', details: { highest_fence: 5, fence: 4 } });
    expect([stack.origin.asked.length, stack.target.asked.length]).toEqual([1, 0]);
    expect(await rowOf('other')).toBeUndefined();
  });

  it('is refused by the service too, when that has seen a higher one', async () => {
    stack.origin.tenants.set(tenantId, { state: 'active', fence: 9, lastSeq: 0, data: '' });
    expect(await errorOf(drain(5))).toMatchObject({ code: 'stale_fence', details: { highest_fence: 9 } });
    expect(await rowOf('drain')).toMatchObject({ status: 'failed' });
    expect((await drain(9)).state?.fence).toBe(9);
    expect(await rowOf('drain')).toMatchObject({ status: 'succeeded', fence: 9 });
  });
});

describe('a failure on the way', () => {
  it('that leaves the outcome unknown leaves the command issued, and a repeat finds the one effect', async () => {
    let asked = 0;
    stack.origin.intercept = (_, response) => {
      asked += 1;
      // The answer of the first asking, and of its one repeat over a new connection, is lost.
      if (asked <= 2) response.socket?.destroy();
      return asked <= 2;
    };
    expect((await errorOf(drain())).code).toBe('service_unreachable');
    expect(await rowOf('drain')).toMatchObject({ status: 'issued', attempt: 1 });
    expect((await drain()).state?.state).toBe('drained');
    expect(await typesOf()).toEqual(['command_issued 1', 'command_issued 2', 'command_succeeded 2']);
    expect(stack.origin.effects).toEqual([`drain ${tenantId}`]);
  });

  it('by a service that hangs ends in time', async () => {
    stack.origin.intercept = () => true;
    const startedAt = performance.now();
    expect((await errorOf(drain())).code).toBe('deadline_exceeded');
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    stack.origin.intercept = undefined;
    expect((await drain()).state?.state).toBe('drained');
  });

  it('by a service that is away is told; back at another address, it is found', async () => {
    stack.shards.set('aggregate/a-9', ['http://127.0.0.1:1']);
    const ask = () => stack.client.drainTenant({ target: at('a-9'), command: command('drain') });
    expect(await errorOf(ask())).toMatchObject({ code: 'service_unreachable', details: { shard_id: 'a-9', problem: 'unreachable' } });
    const back = await startManagedService();
    back.tenants.set(tenantId, { state: 'active', fence: 0, lastSeq: 1, data: '' });
    stack.shards.set('aggregate/a-9', [back.url]);
    try {
      expect((await eventually(ask, { what: 'the new address to be asked' })).state?.state).toBe('drained');
    } finally {
      await back.stop();
    }
  });

  it('by a caller that goes before the command is sent leaves it issued and unsent', async () => {
    await drain();
    const aborter = new AbortController();
    await database.db.transaction(async (tx) => {
      await tx.query('select 1 from fence where resource = $1 for update', [`tenant/${tenantId}/aggregate`]);
      const call = errorOf(stack.client.resumeTenant({ target: at('a-1'), command: command('resume') }, { signal: aborter.signal }));
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await eventually(async () => (await database.adminSql.query(waiting)).length > 0, { what: 'the command to wait for the fence' });
      aborter.abort();
      expect((await call).code).toBe('deadline_exceeded');
      // Over the same connection, so that the provisioner has heard of the end before this is answered.
      await stack.client.getTenantState({ target: at('a-1') });
    });
    await eventually(async () => (await rowOf('resume'))?.status === 'issued', { what: 'the command to be recorded' });
    expect((await stack.client.getTenantState({ target: at('a-1') })).state?.state).toBe('drained');
    expect((await stack.client.resumeTenant({ target: at('a-1'), command: command('resume') })).state?.state).toBe('active');
  });

  it('in an unknown shard is definite', async () => {
    const call = stack.client.drainTenant({ target: at('a-404'), command: command('drain') });
    expect((await errorOf(call)).code).toBe('shard_not_found');
    expect(await rowOf('drain')).toMatchObject({ status: 'failed' });
  });
});

describe('addresses', () => {
  it('that redirect are not followed', async () => {
    stack.origin.intercept = (_, response) => {
      response.writeHead(307, { location: `${stack.target.url}/admin/tenants/${tenantId}/drain` }).end();
      return true;
    };
    expect((await errorOf(drain())).details['problem']).toBe('redirected');
    expect(stack.target.asked).toEqual([]);
    expect(await rowOf('drain')).toMatchObject({ status: 'issued' });
  });

  it.each(['http://169.254.169.254', 'http://[::ffff:169.254.169.254]', 'http://8.8.8.8', 'http://user:pw@127.0.0.1'])(
    'like %s are not called',
    async (url) => {
      const shardId = `x-${String(tenantCount)}`;
      stack.shards.set(`aggregate/${shardId}`, [url]);
      const error = await errorOf(stack.client.drainTenant({ target: at(shardId), command: command('drain') }));
      expect(['forbidden_address', 'invalid_url']).toContain(error.details['problem']);
      expect(error.message).not.toContain('pw');
    },
  );

  it('outside of the configured networks are not called, by name either', async () => {
    const replica = await stack.replica({}, { FLEET_ALLOWED_CIDRS: '10.0.0.0/8' });
    try {
      stack.shards.set(`aggregate/local-${String(tenantCount)}`, [stack.origin.url.replace('127.0.0.1', 'localhost')]);
      for (const shardId of ['a-1', `local-${String(tenantCount)}`]) {
        const call = replica.client.drainTenant({ target: at(shardId), command: command(`drain-${shardId}`) });
        expect((await errorOf(call)).details['problem']).toBe('forbidden_address');
      }
    } finally {
      await replica.stop();
    }
    expect(stack.origin.asked).toEqual([]);
  });
});

describe('who may', () => {
  it('command is the orchestrator, and read whoever may read the fleet', async () => {
    const token = await stack.signers['api-gateway'].signUser({ userId: 'usr_root', email: 'root@example.org', roles: ['admin'] }, 60);
    const calls = [
      stack.client.drainTenant({ target: at('a-1'), command: command('drain') }, { token }),
      stack.client.resumeTenant({ target: at('a-1'), command: command('resume') }, { token }),
      stack.client.handOverTenant({ from: at('a-1'), toShardId: 'a-2', command: command('move') }, { token }),
      stack.client.dropTenantCopy({ target: at('a-1'), command: command('drop'), movedRevision: 1 }, { token }),
      stack.client.reloadShard({ kind: 'gateway', shardId: 'g-1', command: command('reload') }, { token }),
    ];
    expect(await codesOf(calls)).toEqual(Array(5).fill('permission_denied'));
    expect((await stack.client.getTenantState({ target: at('a-1') }, { token })).state?.state).toBe('active');
    const stranger = await createTokenSigner(await generateSigningKey('job-orchestrator'));
    const untrusted = stack.client.getTenantState({ target: at('a-1') }, { token: await stranger.serviceToken() });
    expect((await errorOf(untrusted)).code).toBe('unauthenticated');
  });

  it.each([
    ['no command', () => stack.client.drainTenant({ target: at('a-1'), command: undefined })],
    ['no fence', () => drain(0)],
    ['no reason', () => stack.client.drainTenant({ target: at('a-1'), command: { ...command('x'), reason: ' ' } })],
    ['no key', () => stack.client.drainTenant({ target: at('a-1'), command: { ...command('x'), idempotencyKey: '' } })],
    ['a gateway', () => stack.client.drainTenant({ target: { ...at('a-1'), kind: 'gateway' }, command: command('x') })],
    ['a path as tenant', () => stack.client.drainTenant({ target: { ...at('a-1'), tenantId: '../reload' }, command: command('x') })],
    ['the same shard', () => stack.client.handOverTenant({ from: at('a-1'), toShardId: 'a-1', command: command('x') })],
  ])('names %s is refused', async (_, call) => {
    expect((await errorOf(call())).code).toBe('invalid_argument');
    expect(stack.origin.asked).toEqual([]);
  });
});
