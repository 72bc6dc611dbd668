// Hand-over and reload, and what a crash leaves. Real: Postgres with the event log, gRPC, managed services over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FairleadError } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { breakableLink, eventually, testDatabase, testMessaging, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';
import { sha256, stateText } from './managed-service.fixture.js';
import { startStack, type Provisioner, type Stack } from './provisioner.fixture.js';

const maxTenantBytes = 2_000_000;

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
  stack = await startStack({ database, env: { FLEET_MAX_TENANT_BYTES: String(maxTenantBytes) } });
  cleanups.push(() => stack.stop());
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

beforeEach(() => {
  tenantCount += 1;
  tenantId = `tenant-${String(tenantCount)}`;
  for (const managed of [stack.origin, stack.target, ...stack.gateways]) {
    managed.intercept = undefined;
    managed.asked.length = 0;
    managed.effects.length = 0;
  }
});

const command = (step: string) => ({ idempotencyKey: `job_${tenantId}:${step}`, fence: 5, reason: 'rebalance' });
const from = () => ({ tenantId, kind: 'aggregate', shardId: 'a-1' });
const handOver = (client: Provisioner = stack.client) =>
  client.handOverTenant({ from: from(), toShardId: 'a-2', command: command('hand-over') });

function drained(data: string): void {
  stack.origin.tenants.set(tenantId, { state: 'drained', fence: 0, lastSeq: Number(data.slice(data.lastIndexOf('#') + 1)), data });
}

async function errorOf(call: Promise<unknown>): Promise<FairleadError> {
  return call.then(
    () => {
      throw new Error('the call should have failed');
    },
    (error: unknown) => error as FairleadError,
  );
}

const statusOf = async (step: string) =>
  (await database.db.query<{ status: string }>('select status from command where idempotency_key = $1', [`job_${tenantId}:${step}`]))[0]
    ?.status;

const eventTypes = async (resource: string) => {
  const events = await readLog(database.db, { after: 0, limit: 1_000, aggregateType: 'service_command', aggregateId: resource });
  return events.map(({ type, payload }) => `${type} ${String(payload['attempt'])}`);
};

describe('a hand-over', () => {
  it('carries the state byte for byte, up to its limit', async () => {
    const data = stateText(7, 'ä"\\\u0000'.repeat(100_000).slice(0, 300_000));
    drained(data);
    expect(await handOver()).toEqual({ bytes: Buffer.byteLength(data), sha256: sha256(data), lastSeq: 7 });
    expect(stack.target.tenants.get(tenantId)).toMatchObject({ state: 'imported', data, lastSeq: 7 });
    expect(stack.origin.tenants.get(tenantId)?.state).toBe('sealed');
  });

  it.each([
    ['a little', maxTenantBytes + 1],
    ['much', maxTenantBytes * 2],
  ])('of %s more than its limit is refused for good, and nothing is imported', async (_, bytes) => {
    drained(stateText(7, 'x'.repeat(bytes - 2)));
    expect((await errorOf(handOver())).code).toBe('too_large');
    expect(stack.target.asked).toEqual([]);
    expect(await statusOf('hand-over')).toBe('failed');
  });

  it('of damaged data imports nothing and can be asked again', async () => {
    drained(stateText(7));
    stack.origin.intercept = (_, response) => {
      response.end(JSON.stringify({ state: 'sealed', data: stateText(8), sha256: sha256(stateText(7)), last_seq: 7 }));
      return true;
    };
    const error = await errorOf(handOver());
    expect([error.code, error.message.includes('checksum')]).toEqual(['unavailable', true]);
    expect([stack.target.asked, await statusOf('hand-over')]).toEqual([[], 'issued']);
    stack.origin.intercept = undefined;
    expect((await handOver()).lastSeq).toBe(7);
  });

  it('whose import ends at another command is not taken for done', async () => {
    drained(stateText(7));
    stack.target.intercept = (_, response) => {
      response.end(JSON.stringify({ state: 'imported', last_seq: 6 }));
      return true;
    };
    const error = await errorOf(handOver());
    expect([error.code, error.message.includes('command 6')]).toEqual(['unavailable', true]);
    expect(await statusOf('hand-over')).toBe('issued');
  });

  it('broken off between export and import goes on with the same sealed copy', async () => {
    drained(stateText(7));
    stack.target.intercept = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect((await errorOf(handOver())).code).toBe('unavailable');
    expect(stack.origin.tenants.get(tenantId)?.state).toBe('sealed');
    stack.target.intercept = undefined;
    expect((await handOver()).sha256).toBe(sha256(stateText(7)));
    expect([stack.origin.effects, stack.target.effects]).toEqual([[`export ${tenantId}`], [`import ${tenantId}`]]);
  });

  it('can be undone at the origin under a higher fence, which stops what comes late', async () => {
    drained(stateText(7));
    await handOver();
    await stack.client.dropTenantCopy({
      target: { ...from(), shardId: 'a-2' },
      command: { ...command('undo-copy'), fence: 6 },
      movedRevision: 0,
    });
    const resumed = await stack.client.resumeTenant({ target: from(), command: { ...command('undo-seal'), fence: 6 } });
    expect(resumed.state?.state).toBe('active');
    expect((await errorOf(handOver())).code).toBe('stale_fence');
    expect(stack.origin.tenants.get(tenantId)?.state).toBe('active');
  });
});

describe('a process that dies', () => {
  /** A replica whose process ends between an effect and its record. */
  const dying = () => stack.replica({ afterEffect: () => Promise.reject(new Error('killed here')) });

  it('between an effect and its record is followed by one that repeats it without a second effect', async () => {
    drained(stateText(7));
    const replica = await dying();
    try {
      expect((await errorOf(handOver(replica.client))).code).toBe('internal');
    } finally {
      await replica.stop();
    }
    expect([await statusOf('hand-over'), stack.target.effects]).toEqual(['issued', [`import ${tenantId}`]]);
    expect((await handOver()).sha256).toBe(sha256(stateText(7)));
    expect([stack.origin.effects, stack.target.effects]).toEqual([[`export ${tenantId}`], [`import ${tenantId}`]]);
    expect(await statusOf('hand-over')).toBe('succeeded');
    expect(await eventTypes(`tenant/${tenantId}/aggregate`)).toEqual(['command_issued 1', 'command_issued 2', 'command_succeeded 2']);
  });

  it('between a refusal and its record is followed by one that is refused alike', async () => {
    stack.origin.tenants.set(tenantId, { state: 'active', fence: 0, lastSeq: 7, data: stateText(7) });
    const replica = await dying();
    try {
      expect((await errorOf(handOver(replica.client))).code).toBe('internal');
    } finally {
      await replica.stop();
    }
    expect(await statusOf('hand-over')).toBe('issued');
    expect((await errorOf(handOver())).code).toBe('tenant_state');
    expect(await statusOf('hand-over')).toBe('failed');
  });

  it('late, after another has repeated and recorded the command, adds nothing', async () => {
    drained(stateText(7));
    const late = await stack.replica({
      afterEffect: async () => {
        await handOver();
      },
    });
    try {
      expect((await handOver(late.client)).sha256).toBe(sha256(stateText(7)));
    } finally {
      await late.stop();
    }
    expect(await eventTypes(`tenant/${tenantId}/aggregate`)).toEqual(['command_issued 1', 'command_issued 2', 'command_succeeded 2']);
  });
});

describe('Postgres that goes away', () => {
  it('between an effect and its record leaves the outcome to a repeat, and before it nothing is sent', async () => {
    drained(stateText(7));
    const { hostname, port } = new URL(database.url);
    const link = await breakableLink({ host: hostname, port: Number(port) });
    const url = new URL(database.url);
    url.port = String(link.port);
    const replica = await stack.replica({ afterEffect: () => Promise.resolve().then(link.cut) }, { DATABASE_URL: url.href });
    try {
      expect((await errorOf(handOver(replica.client))).code).toBe('unavailable');
      expect([await statusOf('hand-over'), stack.target.effects]).toEqual(['issued', [`import ${tenantId}`]]);
      const asked = stack.origin.asked.length;
      expect((await errorOf(handOver(replica.client))).code).toBe('unavailable');
      expect(stack.origin.asked).toHaveLength(asked);
    } finally {
      await replica.stop();
      await link.close();
    }
    expect((await handOver()).sha256).toBe(sha256(stateText(7)));
    expect([stack.origin.effects, stack.target.effects]).toEqual([[`export ${tenantId}`], [`import ${tenantId}`]]);
  });
});

describe('the log', () => {
  it('is poked after each commit', async () => {
    const nats = await testMessaging();
    cleanups.push(() => nats.close());
    const pokes: unknown[] = [];
    nats.messaging.subscribeCore(nats.messaging.topology.subjects.logPoke, (poke) => void pokes.push(poke));
    const replica = await stack.replica({}, { NATS_URL: nats.url, NATS_NAMESPACE: nats.namespace });
    cleanups.push(() => replica.stop());
    drained(stateText(7));
    // NATS is connected in the background: a later command is poked for at the latest.
    let asked = 0;
    await eventually(
      async () => {
        asked += 1;
        await replica.client.resumeTenant({ target: from(), command: command(`resume-${String(asked)}`) });
        const position = await headPosition(database.db);
        return eventually(() => JSON.stringify(pokes.at(-1)) === JSON.stringify({ position }), { what: 'the poke', timeoutMs: 500 });
      },
      { what: 'a poke for the last position' },
    );
  });
});

describe('a reload', () => {
  const reload = () => stack.client.reloadShard({ kind: 'gateway', shardId: 'g-1', command: command('reload') });

  it('reaches every endpoint and tells the revision of each', async () => {
    expect(await reload()).toEqual({
      endpoints: [
        { endpointId: 'e1', appliedRevision: 7 },
        { endpointId: 'e2', appliedRevision: 7 },
      ],
    });
    await reload();
    expect(stack.gateways.map(({ effects, asked }) => [effects, asked.length])).toEqual([
      [['reload'], 1],
      [['reload'], 1],
    ]);
  });

  it('asks the others too when one fails, and all again on a repeat', async () => {
    stack.gateways[0].intercept = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    expect(await errorOf(reload())).toMatchObject({ code: 'unavailable', details: { endpoint_id: 'e1' } });
    expect(stack.gateways[1].effects).toEqual(['reload']);
    stack.gateways[0].intercept = undefined;
    expect((await reload()).endpoints).toHaveLength(2);
    expect(stack.gateways.map(({ effects }) => effects)).toEqual([['reload'], ['reload']]);
  });
});
