// Real: Postgres, NATS, the gateway, receivers on this machine, and the reference implementation that verifies what they get.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventuallyHolds } from '@fairlead/testing';
import { startReceiver, verify, type Receiver } from '../testing/receiver.js';
import { startWebhookStage, type WebhookStage } from '../testing/webhooks.js';

let stage: WebhookStage;
const receivers: Receiver[] = [];

beforeAll(async () => {
  stage = await startWebhookStage();
}, 120_000);

afterAll(() => stage.stop());

afterEach(async () => {
  const { body } = await stage.ask('GET');
  for (const { webhook_id: id } of body['items'] as { webhook_id: string }[])
    await stage.ask('DELETE', `/${id}`, undefined, { 'if-match': '*' });
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  receivers.push(started);
  return started;
}

describe('a webhook', () => {
  it('is told of what it asked for, signed, as a CloudEvent', async () => {
    const told = await receiver();
    const hook = await stage.hook(told.url, ['user.user_created', 'webhook.*']);
    const user = await stage.happen();
    const [created, other] = await told.has(2);
    if (created === undefined || other === undefined) throw new Error('it has two');
    const [of, about] = created.body.type === 'user.user_created' ? [created, other] : [other, created];
    for (const message of [of, about]) verify(hook.secret, message);
    expect(about.body).toMatchObject({ type: 'webhook.webhook_created', subject: `webhook:${hook.id}` });
    expect(of.headers).toMatchObject({ 'content-type': 'application/cloudevents+json; charset=utf-8', 'user-agent': 'fairlead-webhook/1' });
    expect(of.body).toMatchObject({
      specversion: '1.0',
      id: of.id,
      source: '/fairlead',
      type: 'user.user_created',
      subject: `user:${user.id}`,
      datacontenttype: 'application/json',
      data: { aggregate_id: user.id, type: 'user_created', payload: { email: user.email, roles: ['viewer'] } },
    });
    await eventuallyHolds(
      async () => {
        expect(await stage.deliveries(hook.id, '?status=delivered')).toHaveLength(2);
      },
      { what: 'both to be noted' },
    );
  });

  it('is tried again until it takes a message, which keeps its id', async () => {
    const told = await receiver();
    let times = 0;
    told.answer((_, response) => response.writeHead(++times < 3 ? 503 : 200).end());
    const hook = await stage.hook(told.url);
    await stage.happen();
    const messages = await told.has(3);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(1);
    for (const message of messages) verify(hook.secret, message);
    expect(await stage.delivery(hook.id, ({ status }) => status === 'delivered')).toMatchObject({
      ...{ attempts: 3, status_code: 200, error: null, next_at: null, event_type: 'user.user_created' },
    });
  });

  it('is not told any more after so many attempts, and again when somebody asks for that', async () => {
    const told = await receiver();
    told.answer(500);
    const hook = await stage.hook(told.url);
    await stage.happen();
    const dead = await stage.delivery(hook.id, ({ status }) => status === 'dead');
    expect(dead).toMatchObject({ attempts: 3, status_code: 500, error: 'it answered 500', next_at: null });
    expect(told.received).toHaveLength(3);
    told.answer(200);
    const again = await stage.ask('POST', `/${hook.id}/deliveries/${String(dead['delivery_id'])}/replay`);
    expect(again).toMatchObject({ status: 202, body: { status: 'pending', attempts: 0 } });
    const messages = await told.has(4);
    expect(messages[3]?.id).toBe(dead['message_id']);
    expect(await stage.delivery(hook.id, ({ status }) => status === 'delivered')).toMatchObject({ attempts: 1 });
  });

  it('is told of a range again, also from before it was made', async () => {
    const told = await receiver();
    const user = await stage.happen();
    const hook = await stage.hook(told.url);
    const ask = (from: number, to: number) => stage.ask('POST', `/${hook.id}/replay`, { from, to });
    expect(await ask(1, 1_000_000)).toMatchObject({ status: 202, body: { next: null } });
    const subjects = () => told.received.map(({ body }) => body.subject);
    await eventuallyHolds(
      () => {
        expect(subjects()).toContain(`user:${user.id}`);
      },
      { what: 'the earlier event' },
    );
    const known = (await stage.deliveries(hook.id)).length;
    await told.has(known);
    expect((await ask(5, 4)).status).toBe(400);
    expect(await ask(1_000_001, 1_000_002)).toMatchObject({ status: 202, body: { queued: 0, next: null } });
    expect(told.received).toHaveLength(known);
  });

  it('is signed for with both secrets while they are rotated, and with the new one alone from then on', async () => {
    const told = await receiver();
    const hook = await stage.hook(told.url);
    const rotated = await stage.ask('POST', `/${hook.id}/rotate`, { overlap_hours: 1 });
    const secret = String(rotated.body['secret']);
    await stage.happen();
    const [first] = await told.has(1);
    if (first === undefined) throw new Error('it has one');
    for (const one of [hook.secret, secret]) verify(one, first);
    const last = String((await stage.ask('POST', `/${hook.id}/rotate`, { overlap_hours: 0 })).body['secret']);
    await stage.happen();
    const [, second] = await told.has(2);
    if (second === undefined) throw new Error('it has two');
    verify(last, second);
    for (const one of [hook.secret, secret])
      expect(() => {
        verify(one, second);
      }).toThrow('No matching signature found');
  });

  it('holds up no other when it is slow or dead', async () => {
    const [slow, quick] = [await receiver(), await receiver()];
    slow.answer('not');
    const [first] = [await stage.hook(slow.url), await stage.hook('http://127.0.0.1:1/'), await stage.hook(quick.url)];
    for (let made = 0; made < 12; made++) await stage.happen();
    await quick.has(12);
    expect(slow.received.length).toBeLessThanOrEqual(8);
    expect(await stage.deliveries(first.id, '?status=delivered')).toEqual([]);
    slow.answer(204);
    slow.release();
    await slow.has(12);
  }, 30_000);

  it('is told nothing while it is disabled, but a test, and of all of it afterwards', async () => {
    const told = await receiver();
    const hook = await stage.hook(told.url);
    expect((await stage.ask('PATCH', `/${hook.id}`, { enabled: false }, { 'if-match': '*' })).status).toBe(200);
    const user = await stage.happen();
    const test = await stage.ask('POST', `/${hook.id}/test`);
    expect(test.status).toBe(202);
    const [message] = await told.has(1);
    expect(message?.body).toMatchObject({ type: 'fairlead.webhook_test', data: { webhook_id: hook.id } });
    await stage.delivery(hook.id, ({ status }) => status === 'delivered');
    await stage.ask('PATCH', `/${hook.id}`, { enabled: true }, { 'if-match': '*' });
    const [, next] = await told.has(2);
    expect(next?.body.subject).toBe(`user:${user.id}`);
  });

  it('is disabled when the receiver says that it is gone', async () => {
    const told = await receiver();
    told.answer(410);
    const hook = await stage.hook(told.url);
    await stage.happen();
    await stage.delivery(hook.id, ({ error }) => error === 'it answered 410');
    expect((await stage.ask('GET', `/${hook.id}`)).body).toMatchObject({ enabled: false, disabled_cause: 'gone' });
  });

  it('is not followed to another address', async () => {
    const [told, elsewhere] = [await receiver(), await receiver()];
    told.answer((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
    const hook = await stage.hook(told.url);
    await stage.happen();
    await stage.delivery(hook.id, ({ status }) => status === 'dead');
    expect(await stage.deliveries(hook.id)).toMatchObject([{ error: 'it answered with a redirect, which is never followed' }]);
    expect(elsewhere.received).toEqual([]);
  });

  it('leaves neither its secrets nor its address in log lines and events', async () => {
    const told = await receiver();
    told.answer(500);
    const hook = await stage.hook(told.url);
    await stage.happen();
    await stage.delivery(hook.id, ({ status }) => status === 'dead');
    const said = await stage.told();
    for (const secret of [hook.secret, hook.secret.slice('whsec_'.length), 'in-the-url']) expect(said).not.toContain(secret);
  });
});
