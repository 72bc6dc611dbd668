// Real: Postgres, NATS, a gateway, a receiver on this machine. The events are appended by the role of the service that owns them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAppender } from '@fairlead/event-log';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { startReceiver, type Receiver } from '../testing/receiver.js';
import { startWebhookStage, type WebhookStage } from '../testing/webhooks.js';

let stage: WebhookStage;
let told: Receiver;
let placement: Database;

beforeAll(async () => {
  stage = await startWebhookStage();
  told = await startReceiver();
  const logger = createLogger({ service: 'test', level: 'silent' });
  placement = await openDatabase({ ...stage.database.access('placement'), schema: 'public', applicationName: 'test', logger });
}, 120_000);

afterAll(async () => {
  await placement.close();
  await told.stop();
  await stage.stop();
});

async function created(tenant: string): Promise<void> {
  const appender = createAppender({ sql: placement, onAppended: () => undefined });
  const seats = { aggregate: 'aggregate-1', projection: 'projection-1', runner: 'runner-1' };
  const payload = { tenant_id: tenant, name: tenant, requested: {}, placement: seats, revision: 1, epoch: 1 };
  const meta = { principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1', reason: 'make room for globex' };
  const event = { aggregateType: 'tenant', aggregateId: tenant, type: 'tenant_created', payload, meta } as const;
  expect((await appender.append({ events: [event] })).status).toBe('ok');
  await appender.close();
}

describe('a webhook whose user may read events of some tenants', () => {
  it('is told of these alone, in the form for readers of a part', async () => {
    const user = await stage.newUser('admin');
    const { token } = await stage.login(user);
    const body = { name: 'of-acme', url: told.url, types: ['tenant.tenant_created'] };
    const made = await stage.gateway.call('POST', '/admin/v1/webhooks', { token, body });
    expect(made.status).toBe(201);
    await stage.change(user, { roles: [] });
    // Put there by hand, for no placement knows the tenant.
    await stage.database.adminSql.query(
      `insert into api_gateway.role_binding (binding_id, principal, role, scope, created_by) values ('bnd_1', $1, 'viewer', '/tenants/acme', 'test')`,
      [`user:${user.id}`],
    );
    await created('globex');
    await created('acme');
    const [first] = await told.has(1);
    expect(first?.body).toMatchObject({ subject: 'tenant:acme', data: { tenant_id: 'acme', meta: {} } });
    expect(first?.text).not.toContain('globex');
    // Deliveries are queued in the log's order: nothing of the other was.
    expect(await stage.deliveries(String(made.body['webhook_id']))).toHaveLength(1);
  });
});
