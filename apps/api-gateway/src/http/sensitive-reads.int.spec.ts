// Real: Postgres with the event log, NATS, the gateway's HTTP server with every route it has; the services behind it are scripted, at the wire.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { chainV1, logV1 } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { grantDataAccess } from '@fairlead/postgres';
import { eventuallyHolds, testMessaging, type TestMessaging } from '@fairlead/testing';
import { RequirePermission } from '../edge/access.js';
import { sensitiveReads, unrecordedReads } from '../edge/sensitive-reads.js';
import { apiDocument } from '../openapi/index.js';
import { startGateway } from '../testing/gateway.js';
import { startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

@Controller('admin/v1/forgotten')
class Forgotten {
  @Get(':id')
  @RequirePermission('identity.manage')
  get() {
    return {};
  }
}

@Module({ controllers: [Forgotten] })
class ForgottenModule {}

const reads = Object.entries(apiDocument().paths).flatMap(([path, { get }]) =>
  get === undefined
    ? []
    : [{ route: `GET ${path}`, permission: get['x-permission'] as string | undefined, recorded: get['x-recorded'] === true }],
);
const parts: Readonly<Record<string, string>> = { schema: 'api_gateway', table: 'users', position: '1' };
/** Each of the table, as it is asked for. */
const sensitive = Object.entries(sensitiveReads).map(([route, name]) => ({
  route,
  name,
  target: route.replace('GET ', '').replaceAll(/\{(\w+)\}/g, (_, part: string) => parts[part] ?? 'x'),
}));
const address = '203.0.113.7';
const refused = { status: 503, body: { code: 'audit_unavailable' } };
const appending = [
  'log.append(jsonb)',
  'log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[])',
  'log.append_event(text, text, text, bigint, text, int, text, text)',
].join(', ');

let stage: IdentityStage;
let nats: TestMessaging;
let admin: TestUser;
let held: Held;

beforeAll(async () => {
  stage = await startIdentityStage({ TRUSTED_PROXIES: '127.0.0.1' });
  nats = await testMessaging();
  await grantDataAccess(stage.database.admin);
  const event = logV1.LogEvent.fromPartial({ position: 1, type: 'user_created', payloadJson: '{}', metaJson: '{}' });
  stage.gateway.peers.answers = {
    exportChain: () => [chainV1.ExportChainResponse.fromPartial({ lines: Buffer.from('{}\n') })],
    listEvents: () => logV1.ListEventsResponse.fromPartial({ events: [event] }),
    getEvent: () => logV1.GetEventResponse.fromPartial({ event }),
  };
  admin = await stage.newUser('admin');
  held = await stage.login(admin);
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await nats.close();
});

const ask = (target: string, token = held.token) =>
  stage.gateway.call('GET', target, { token, headers: { 'x-forwarded-for': address, 'x-request-id': 'req-read' } });
const log = () => readLog(stage.database.db, { after: 0, limit: 1_000 });
const recorded = async () => (await log()).filter(({ aggregateType }) => aggregateType === 'sensitive_read');
/** What the gate saw holds for a second. */
const holds = (work: () => Promise<void>, what: string) => eventuallyHolds(work, { what });

describe('the tables of reads', () => {
  it('have every read by a permission that is for more than reading, and no route that there is not', () => {
    const more = reads.filter(({ permission }) => permission !== undefined && !permission.endsWith('.read')).map(({ route }) => route);
    const decided = [...Object.keys(sensitiveReads), ...Object.keys(unrecordedReads)];
    expect(more.filter((route) => !decided.includes(route))).toEqual([]);
    const routes = reads.map(({ route }) => route);
    expect(decided.filter((route) => !routes.includes(route))).toEqual([]);
    expect(Object.keys(unrecordedReads).filter((route) => !more.includes(route) || Object.hasOwn(sensitiveReads, route))).toEqual([]);
    expect(
      reads
        .filter((read) => read.recorded)
        .map(({ route }) => route)
        .sort(),
    ).toEqual(Object.keys(sensitiveReads).sort());
    expect(new Set(Object.values(sensitiveReads)).size).toBe(sensitive.length);
  });

  it('are asked for before a gateway starts', async () => {
    const attempt = startGateway({ database: stage.database, nats }, {}, { imports: [{ module: ForgottenModule }] });
    await expect(attempt).rejects.toMatchObject({
      cause: { message: 'reads that sensitive-reads.ts does not decide about: GET /admin/v1/forgotten/{id}' },
    });
  });
});

describe.each(sensitive)('$route', ({ name, target }) => {
  it('is in the log with who asked for what, and from where, before it is answered', async () => {
    const before = (await recorded()).length;
    // Also when it is refused for what it asks.
    expect((await ask(`${target}?limit=1`)).status).toBe(name === 'audit_export' ? 400 : 200);
    expect((await ask(target)).status).toBe(200);
    const events = (await recorded()).slice(before);
    const about = { aggregateType: 'sensitive_read', aggregateId: name, type: 'read_requested' };
    const meta = { principal: `user:${admin.id}`, request_id: 'req-read', source_address: address };
    expect(events).toMatchObject([
      { ...about, payload: { target, query: 'limit=1' }, meta },
      { ...about, payload: { target }, meta },
    ]);
    expect(events[1]?.payload).toEqual({ target });
  });

  it('is neither answered nor recorded for who may not ask for it', async () => {
    const nobody = await stage.gateway.token();
    const before = await recorded();
    for (const token of [nobody, undefined]) expect([401, 403]).toContain((await stage.gateway.call('GET', target, { token })).status);
    expect(await recorded()).toEqual(before);
  });
});

describe('while it can’t be recorded', () => {
  async function expectRefused(): Promise<void> {
    const calls = stage.gateway.peers.calls.length;
    const before = (await log()).length;
    for (const { target } of sensitive) {
      const answer = await ask(target);
      expect([target, answer]).toMatchObject([target, refused]);
      expect(Object.keys(answer.body).sort()).toEqual(['code', 'detail', 'request_id', 'status', 'title', 'type']);
    }
    // Nothing was asked of anybody, and what is ordinary goes on.
    expect(stage.gateway.peers.calls).toHaveLength(calls);
    for (const path of ['/admin/v1/users', '/admin/v1/audit']) expect((await ask(path)).status).toBe(200);
    expect(await log()).toHaveLength(before);
  }
  const goesOn = () =>
    holds(async () => {
      for (const { target } of sensitive) expect([target, (await ask(target)).status]).toEqual([target, 200]);
    }, 'reads to go on');

  it('because the gateway may not append, each is refused, and an ordinary read goes on', async () => {
    await stage.database.adminSql.query(`revoke execute on function ${appending} from fairlead_api_gateway`);
    try {
      await expectRefused();
    } finally {
      await stage.database.adminSql.query(`grant execute on function ${appending} to fairlead_api_gateway`);
    }
    await goesOn();
  });

  it('for a cause that no gate sees, each is refused all the same', async () => {
    const { adminSql } = stage.database;
    const [kept] = await adminSql.query<{ until: string }>('select partitioned_until as until from log.head');
    await adminSql.query('revoke execute on function log.keep_partitions() from fairlead_api_gateway');
    await adminSql.query('update log.head set partitioned_until = position + 1');
    try {
      await expectRefused();
    } finally {
      await adminSql.query('update log.head set partitioned_until = $1', [kept?.until]);
      await adminSql.query('grant execute on function log.keep_partitions() to fairlead_api_gateway');
    }
    await goesOn();
  });
});
