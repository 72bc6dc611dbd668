// Real: Postgres, NATS, gateways on one database, receivers on this machine. Failpoints break a worker off where a crash would.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, eventuallyHolds, failpointBoard, testFolder } from '@fairlead/testing';
import { pruneDeliveries } from '../store/webhook-queue.js';
import { startReceiver, type Receiver } from '../testing/receiver.js';
import { startWebhookStage, type WebhookStage } from '../testing/webhooks.js';

const board = failpointBoard(testFolder('webhook-failpoints'));
let stage: WebhookStage;
const receivers: Receiver[] = [];

beforeAll(async () => {
  process.env['FAIRLEAD_FAILPOINTS'] = board.folder;
  stage = await startWebhookStage({ drainMs: 200 });
}, 120_000);

afterAll(async () => {
  delete process.env['FAIRLEAD_FAILPOINTS'];
  await stage.stop();
});

afterEach(async () => {
  board.clear();
  await stage.database.adminSql.query('delete from api_gateway.webhook');
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  receivers.push(started);
  return started;
}

const subjectsOf = ({ received }: Receiver) => received.map(({ body }) => body.subject).sort();

describe('a worker that dies', () => {
  it('after a message was taken and before that is written down: it is sent again, with its id', async () => {
    const told = await receiver();
    board.set('webhook.delivery.before_settle', 'fail');
    const hook = await stage.hook(told.url);
    await stage.happen();
    await told.has(1);
    await board.hit('webhook.delivery.before_settle');
    expect(await stage.deliveries(hook.id)).toMatchObject([{ status: 'pending', attempts: 1 }]);
    // As when its lease has ended.
    await stage.database.adminSql.query('update api_gateway.webhook_delivery set next_at = now()');
    const [first, second] = await told.has(2);
    expect(second?.id).toBe(first?.id);
    expect(second?.text).toBe(first?.text);
    expect(await stage.delivery(hook.id, ({ status }) => status === 'delivered')).toMatchObject({ attempts: 2 });
    expect(told.received).toHaveLength(2);
  });

  it('before what it queued is committed: nothing is skipped, and nothing is queued twice', async () => {
    const told = await receiver();
    const hook = await stage.hook(told.url);
    board.set('webhook.queue.before_commit', 'fail');
    const users = [await stage.happen(), await stage.happen(), await stage.happen()];
    await told.has(3);
    await eventuallyHolds(
      async () => {
        expect(await stage.deliveries(hook.id, '?status=delivered')).toHaveLength(3);
      },
      { what: 'all to be noted' },
    );
    expect(board.taker('webhook.queue.before_commit')).toBe(process.pid);
    expect(subjectsOf(told)).toEqual(users.map(({ id }) => `user:${id}`).sort());
  });
});

describe('two gateways', () => {
  it('share deliveries: each event is told once', async () => {
    const told = await receiver();
    const other = await stage.gateway.another();
    try {
      const hooks = [await stage.hook(told.url), await stage.hook(told.url)];
      const users = await Promise.all(Array.from({ length: 15 }, () => stage.happen()));
      for (const { id } of hooks)
        await eventually(async () => (await stage.deliveries(id, '?status=delivered')).length === 15, { what: 'all to be delivered' });
      expect(subjectsOf(told)).toEqual(users.flatMap(({ id }) => [`user:${id}`, `user:${id}`]).sort());
      for (const { id } of hooks) for (const one of await stage.deliveries(id)) expect(one).toMatchObject({ attempts: 1 });
    } finally {
      await other.stop();
    }
  }, 30_000);

  it('one stops within a bound, though a receiver does not answer, and the other goes on with what it gives back', async () => {
    const told = await receiver();
    told.answer('not');
    const other = await stage.gateway.another();
    const hook = await stage.hook(told.url);
    // One gateway has eight under way at most, so the other has some too.
    for (let made = 0; made < 12; made++) await stage.happen();
    await told.has(12);
    told.answer(204);
    await other.stop();
    // Sooner than a lease ends: what it gave back is sent again.
    await told.has(13);
    told.release();
    await eventually(async () => (await stage.deliveries(hook.id, '?status=delivered')).length === 12, { what: 'all to be delivered' });
  }, 30_000);
});

describe('what a webhook is told', () => {
  it('is what its user may read at that moment, and nothing once they are disabled', async () => {
    const told = await receiver();
    const carol = await stage.newUser('admin');
    const { token } = await stage.login(carol);
    const body = { name: 'of-carol', url: told.url, types: ['webhook.*', 'user.user_created'] };
    const made = await stage.gateway.call('POST', '/admin/v1/webhooks', { token, body });
    const id = String(made.body['webhook_id']);
    await told.has(1);
    // Viewers may read of users, not of webhooks.
    await stage.change(carol, { roles: ['viewer'] });
    const witness = await receiver();
    await stage.hook(witness.url);
    const seen = await stage.happen();
    const [, second] = await told.has(2);
    expect(second?.body.subject).toBe(`user:${seen.id}`);
    await stage.change(carol, { disabled: true });
    await stage.happen();
    await witness.has(2);
    expect(told.received).toHaveLength(2);
    // Who changes it is who it reads as from then on.
    const changed = await stage.ask('PATCH', `/${id}`, { types: ['webhook.*'] }, { 'if-match': '*' });
    expect(changed.status).toBe(200);
    const subjects = () => told.received.map((message) => message.body.type);
    await eventuallyHolds(
      () => {
        expect(subjects()).toContain('webhook.webhook_changed');
      },
      { what: 'the change to be told' },
    );
  });
});

describe('a webhook that only fails', () => {
  it('is disabled after so many hours since the first failure, and stays so until somebody enables it', async () => {
    const told = await receiver();
    told.answer(500);
    const hook = await stage.hook(told.url);
    await stage.happen();
    await stage.delivery(hook.id, ({ status }) => status === 'dead');
    expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ enabled: true, failing_since: expect.any(String) });
    const back = (hours: number) =>
      stage.database.adminSql.query(`update api_gateway.webhook set failing_since = now() - make_interval(hours => $1)`, [hours]);
    await back(71);
    await stage.happen();
    await stage.delivery(hook.id, ({ status }) => status === 'dead');
    expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ enabled: true });
    await back(72);
    await stage.happen();
    await eventuallyHolds(
      async () => {
        expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ enabled: false, disabled_cause: 'failures' });
      },
      { what: 'it to be disabled' },
    );
    expect(await stage.told()).toContain('"type":"webhook_disabled"');
    told.answer(204);
    const before = told.received.length;
    await stage.ask('PATCH', `/${hook.id}`, { enabled: true }, { 'if-match': '*' });
    await told.has(before + 1);
    await eventuallyHolds(
      async () => {
        expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ enabled: true, disabled_cause: null, failing_since: null });
      },
      { what: 'its failures to be forgotten' },
    );
  });

  it('has a bounded number of deliveries wait, and loses none behind them', async () => {
    const hook = await stage.hook('http://127.0.0.1:1/');
    await stage.database.adminSql.query(
      `insert into api_gateway.webhook_delivery (delivery_id, webhook_id, message_id, event_type, position, next_at)
       select 'whd_00' || lpad(n::text, 6, '0'), $1, 'm', 'user.user_created', -n, now() + interval '1 day' from generate_series(1, 1000) n`,
      [hook.id],
    );
    const { position } = (await stage.ask('GET', `/${hook.id}`)).body;
    const told = await receiver();
    const other = await stage.hook(told.url);
    const user = await stage.happen();
    await told.has(1);
    expect((await stage.ask('GET', `/${other.id}`)).body['position']).toBeGreaterThan(Number(position));
    expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ position });
    await stage.database.adminSql.query(`update api_gateway.webhook_delivery set status = 'dead' where webhook_id = $1`, [hook.id]);
    await eventually(
      async () =>
        (await stage.deliveries(hook.id)).some(({ event_type: type, position: at }) => type === 'user.user_created' && Number(at) > 0),
      { what: `what tells of ${user.id} to be queued` },
    );
  });
});

describe('what has ended', () => {
  it('is removed when it is old, or beyond the newest', async () => {
    const hook = await stage.hook('http://127.0.0.1:1/');
    const fill = (name: string, status: string, days: number, count: number) =>
      stage.database.adminSql.query(
        `insert into api_gateway.webhook_delivery (delivery_id, webhook_id, message_id, event_type, status, created_at, next_at)
         select $2 || lpad(n::text, 6, '0'), $1, 'm', 'fairlead.webhook_test', $3, now() - make_interval(days => $4), now() + interval '1 day'
         from generate_series(1, $5::int) n`,
        [hook.id, `whd_${name}_`, status, days, count],
      );
    await fill('a_old', 'delivered', 31, 3);
    await fill('b_dead', 'dead', 29, 2);
    await fill('c_waiting', 'pending', 40, 1);
    expect(await pruneDeliveries(stage.database.db, 30)).toBe(3);
    await fill('d_many', 'delivered', 1, 10_005);
    expect(await pruneDeliveries(stage.database.db, 30)).toBe(7);
    expect(await stage.deliveries(hook.id, '?status=pending')).toHaveLength(1);
    expect(await stage.deliveries(hook.id, '?status=dead')).toHaveLength(0);
  });
});
