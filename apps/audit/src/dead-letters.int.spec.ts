import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditV1, newId } from '@fairlead/contracts';
import { eventually, eventuallyHolds, failpointBoard, testFolder } from '@fairlead/testing';
import { startStack, type Client, type Stack } from './audit.fixture.js';

// Real servers on a busy machine take their time.
let stack: Stack;
let viewer: Client;
let admin: Client;
/** What the consumer was handed, and how it takes it. */
let seen: { subject: string; sequence: number; data: unknown }[];
let failure: Error | undefined;

beforeAll(async () => {
  stack = await startStack();
  viewer = stack.clientOf('viewer');
  admin = stack.clientOf('admin');
  const { messaging } = stack.nats;
  messaging.consume({
    name: 'tenant-watcher',
    stream: 'evt',
    filters: [messaging.topology.subjects.eventsOf('tenant')],
    maxDeliver: 1,
    handler: ({ subject, sequence, data }) => {
      seen.push({ subject, sequence, data });
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  });
}, 120_000);

afterAll(() => stack.stop());

beforeEach(() => {
  seen = [];
  failure = new Error(`bad\0${'x'.repeat(1_995)}\u{1f6a2}`);
});

const list = async (filter: Partial<auditV1.ListDeadLettersRequest> = {}) =>
  await viewer.listDeadLetters(auditV1.ListDeadLettersRequest.fromPartial(filter));

/** An event that the consumer gives up on: its letter. */
async function letterOf(payload: Record<string, unknown> = { name: 'Acme' }): Promise<auditV1.DeadLetter> {
  const position = await stack.append('placement', {
    aggregateType: 'tenant',
    aggregateId: newId('job'),
    type: 'tenant_created',
    payload,
    meta: { principal: 'system', request_id: '', correlation_id: '' },
  });
  const { sequence } = await eventually(
    async () => (await stack.nats.messaging.deadLetters.list({ limit: 1_000 })).find(({ original }) => original.sequence === position),
    { what: `a dead letter of position ${position}` },
  );
  const { letter } = await viewer.getDeadLetter({ sequence });
  if (letter === undefined) throw new Error('the answer has no letter');
  return letter;
}

/** What the log says of a letter, oldest first. */
const eventsOf = async (id: string) =>
  await stack.database.adminSql.query<{ type: string; position: number; payload: Record<string, unknown>; meta: Record<string, unknown> }>(
    `select type, position, payload, meta from log.event where aggregate_type = 'dead_letter' and aggregate_id = $1 order by version`,
    [id],
  );
const typesOf = async (id: string) => (await eventsOf(id)).map(({ type }) => type);

describe('a dead letter', () => {
  it('is listed and shown with its payload, and counted', async () => {
    const letter = await letterOf({ name: 'Acme', deep: [{ n: 1 }] });
    expect((await list()).letters).toContainEqual(letter);
    expect(letter).toEqual({
      sequence: expect.any(Number),
      id: expect.stringMatching(/^dead-\d+-\d+$/),
      consumer: 'tenant-watcher',
      originalStream: stack.nats.messaging.topology.streams.evt.name,
      originalSubject: expect.stringContaining('.evt.tenant.'),
      originalSequence: expect.any(Number),
      deliveries: 1,
      replays: 0,
      error: `bad ${'x'.repeat(1_995)}\ufffd`,
      failedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      payload: expect.objectContaining({ type: 'tenant_created', payload: { name: 'Acme', deep: [{ n: 1 }] } }),
    });
    expect(await viewer.getDeadLetter({ sequence: letter.sequence })).toEqual({ letter });
    const metrics = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
    expect(metrics).toMatch(/^fairlead_dead_letters\{consumer="tenant-watcher"\} [1-9]\d*$/m);
  });

  it('is replayed to its consumer, for a reason that is in the log before it and with the outcome after it', async () => {
    const letter = await letterOf();
    failure = undefined;
    const { position, letter: replayed } = await admin.replayDeadLetter({ sequence: letter.sequence, reason: ' the shard is back ' });
    expect(replayed).toEqual(letter);
    await eventuallyHolds(
      () => {
        expect(seen).toHaveLength(2);
      },
      { what: 'the replay' },
    );
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[1]?.sequence).toBe(letter.originalSequence);
    expect(await eventsOf(letter.id)).toMatchObject([
      {
        type: 'dead_letter_replay_requested',
        payload: {
          sequence: letter.sequence,
          consumer: 'tenant-watcher',
          original: { sequence: letter.originalSequence, subject: letter.originalSubject },
          error: letter.error,
        },
        meta: { principal: expect.stringMatching(/^user:usr_/), reason: 'the shard is back' },
      },
      { type: 'dead_letter_replayed', position, meta: { reason: 'the shard is back' } },
    ]);
    const trail = await stack.list({ action: 'dead_letter', limit: 2, waitForPosition: position });
    expect(trail.records.map(({ resourceId, outcome }) => [resourceId, outcome])).toEqual([
      [letter.id, 'succeeded'],
      [letter.id, 'requested'],
    ]);
    for (const again of [admin.replayDeadLetter({ sequence: letter.sequence, reason: 'again' }), viewer.getDeadLetter(letter)]) {
      await expect(again).rejects.toMatchObject({ code: 'dead_letter_settled', message: expect.stringContaining('already replayed') });
    }
    expect(await eventsOf(letter.id)).toHaveLength(2);
    expect(seen).toHaveLength(2);
  });

  it('is discarded, and then gone', async () => {
    const letter = await letterOf();
    const { position } = await admin.discardDeadLetter({ sequence: letter.sequence, reason: 'the tenant is gone' });
    expect(await eventsOf(letter.id)).toMatchObject([
      { type: 'dead_letter_discard_requested', meta: { reason: 'the tenant is gone' } },
      { type: 'dead_letter_discarded', position },
    ]);
    expect((await list()).letters.map(({ id }) => id)).not.toContain(letter.id);
    await expect(admin.replayDeadLetter({ sequence: letter.sequence, reason: 'x' })).rejects.toMatchObject({
      code: 'dead_letter_settled',
      message: expect.stringContaining('already discarded'),
    });
    expect(seen).toHaveLength(1);
  });

  it('is settled by one of two operators who press at once', async () => {
    const letter = await letterOf();
    failure = undefined;
    const pressed = await Promise.allSettled(
      Array.from({ length: 4 }, () => admin.replayDeadLetter({ sequence: letter.sequence, reason: 'go' })),
    );
    expect(pressed.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    for (const outcome of pressed) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({
          code: expect.stringMatching(/^(version_conflict|dead_letter_settled|dead_letter_not_found)$/),
        });
      }
    }
    const { retry } = stack.nats.messaging.topology.streams;
    await eventuallyHolds(
      async () => {
        expect(seen).toHaveLength(2);
        expect((await (await stack.nats.messaging.manager()).streams.info(retry.name)).state.messages).toBe(0);
      },
      { what: 'one replay' },
    );
  });

  it('stays when nobody would take it, which the trail tells, until somebody does', async () => {
    const { messaging } = stack.nats;
    const { streams, subjects } = messaging.topology;
    let failing = true;
    const startRetired = () =>
      messaging.consume({
        name: 'retired',
        stream: 'evt',
        filters: [subjects.eventsOf('tenant')],
        maxDeliver: 1,
        handler: () => (failing ? Promise.reject(new Error('no')) : Promise.resolve()),
      });
    const retired = startRetired();
    await letterOf();
    const { sequence } = await eventually(async () => (await list({ consumer: 'retired', limit: 1 })).letters[0], { what: 'its letter' });
    const { letter } = await viewer.getDeadLetter({ sequence });
    await retired.stop();
    await (await messaging.manager()).consumers.delete(streams.retry.name, 'retired');
    await expect(admin.replayDeadLetter({ sequence, reason: 'try' })).rejects.toMatchObject({ code: 'consumer_gone' });
    expect(await viewer.getDeadLetter({ sequence })).toEqual({ letter });
    expect(await eventsOf(letter?.id ?? '')).toMatchObject([
      { type: 'dead_letter_replay_requested' },
      { type: 'dead_letter_replay_failed', payload: { code: 'consumer_gone' } },
    ]);
    failing = false;
    const back = startRetired();
    await eventually(() => admin.replayDeadLetter({ sequence, reason: 'it is back' }), { what: 'a replay' });
    expect((await typesOf(letter?.id ?? '')).slice(-2)).toEqual(['dead_letter_replay_requested', 'dead_letter_replayed']);
    await back.stop();
  });

  it('is still there, and replayed once, when a first try ended in the middle of it', async () => {
    const letter = await letterOf();
    failure = undefined;
    const failpoints = failpointBoard(testFolder('failpoints'));
    process.env['FAIRLEAD_FAILPOINTS'] = failpoints.folder;
    try {
      failpoints.set('dead_letter.replay.published', 'fail');
      await expect(admin.replayDeadLetter({ sequence: letter.sequence, reason: 'go' })).rejects.toMatchObject({ code: 'unavailable' });
      expect(await viewer.getDeadLetter({ sequence: letter.sequence })).toEqual({ letter });

      failpoints.set('dead_letter.replay.published', 'pause');
      const slow = admin.replayDeadLetter({ sequence: letter.sequence, reason: 'slow' });
      await failpoints.hit('dead_letter.replay.published');
      // Another operator, at the same time: the message is in the consumer's hands already.
      await admin.replayDeadLetter({ sequence: letter.sequence, reason: 'quick' });
      failpoints.clear();
      await slow;
    } finally {
      failpoints.clear();
      delete process.env['FAIRLEAD_FAILPOINTS'];
    }
    const { retry } = stack.nats.messaging.topology.streams;
    await eventuallyHolds(
      async () => {
        expect((await (await stack.nats.messaging.manager()).streams.info(retry.name)).state.messages).toBe(0);
      },
      { what: 'nothing left to replay' },
    );
    expect(seen).toHaveLength(2);
    expect(await typesOf(letter.id)).toEqual([
      'dead_letter_replay_requested',
      'dead_letter_replay_failed',
      'dead_letter_replay_requested',
      'dead_letter_replay_requested',
      'dead_letter_replayed',
      'dead_letter_replayed',
    ]);
  });

  it('is not said to be replayed when it aged out after a replay that failed', async () => {
    const letter = await letterOf();
    const failpoints = failpointBoard(testFolder('failpoints'));
    process.env['FAIRLEAD_FAILPOINTS'] = failpoints.folder;
    try {
      failpoints.set('dead_letter.replay.published', 'fail');
      await expect(admin.replayDeadLetter({ sequence: letter.sequence, reason: 'go' })).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      delete process.env['FAIRLEAD_FAILPOINTS'];
    }
    const { messaging } = stack.nats;
    await (await messaging.manager()).streams.deleteMessage(messaging.topology.streams.deadLetter.name, letter.sequence);
    const again = () => admin.replayDeadLetter({ sequence: letter.sequence, reason: 'again' });
    for (const late of [() => viewer.getDeadLetter({ sequence: letter.sequence }), again]) {
      await expect(late()).rejects.toMatchObject({ code: 'dead_letter_not_found', message: expect.stringContaining('trail') });
    }
    expect(await typesOf(letter.id)).toEqual(['dead_letter_replay_requested', 'dead_letter_replay_failed']);
  });

  it('is not touched when the request can not be recorded', async () => {
    const letter = await letterOf();
    failure = undefined;
    const block = `create or replace function log.refuse_for_test() returns trigger language plpgsql as $$
      begin raise exception 'no more'; end $$;
      create trigger refuse_for_test before insert on log.command for each row execute function log.refuse_for_test()`;
    await stack.database.adminSql.query(block);
    try {
      for (const settle of [admin.replayDeadLetter, admin.discardDeadLetter]) {
        await expect(settle({ sequence: letter.sequence, reason: 'go' })).rejects.toMatchObject({ code: 'internal' });
      }
    } finally {
      await stack.database.adminSql.query('drop trigger refuse_for_test on log.command');
    }
    expect(await viewer.getDeadLetter({ sequence: letter.sequence })).toEqual({ letter });
    expect(await typesOf(letter.id)).toEqual([]);
    await admin.replayDeadLetter({ sequence: letter.sequence, reason: 'go' });
    await eventuallyHolds(
      () => {
        expect(seen).toHaveLength(2);
      },
      { what: 'one replay' },
    );
  });
});

describe('dead letters', () => {
  it('are listed by page and by consumer, and pages end before they grow too large', async () => {
    const consumer = 'tenant-watcher';
    const before = (await list({ consumer, limit: 200 })).letters.length;
    const payload = { list: Array.from({ length: 3_900 }, () => 1) };
    const events = Array.from({ length: 202 }, () => ({
      aggregateType: 'tenant' as const,
      aggregateId: newId('job'),
      type: 'tenant_created',
      payload,
      meta: { principal: 'system' },
    }));
    await stack.append('placement', ...events);
    await eventually(async () => (await stack.nats.messaging.deadLetters.counts()).get(consumer) === before + 202, {
      what: 'many letters',
      timeoutMs: 30_000,
    });
    const found: number[] = [];
    const pages: number[] = [];
    let after: number | undefined = 0;
    while (after !== undefined) {
      const page: auditV1.ListDeadLettersResponse = await list({ consumer, limit: 200, after });
      pages.push(page.letters.length);
      found.push(...page.letters.map(({ sequence }) => sequence));
      after = page.nextAfter === 0 ? undefined : page.nextAfter;
    }
    expect(pages.length).toBeGreaterThan(1);
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    expect(found).toHaveLength(before + 202);
    expect((await list()).letters).toHaveLength(50);
    expect((await list({ consumer: 'nobody' })).letters).toEqual([]);
  });

  it('refuse what makes no sense', async () => {
    for (const filter of [{ limit: 201 }, { limit: -1 }, { after: -1 }, { consumer: 'a.b' }, { consumer: '*' }]) {
      await expect(list(filter)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
    for (const request of [
      { sequence: 0, reason: 'x' },
      { sequence: 1, reason: ' ' },
      { sequence: 1, reason: 'x'.repeat(501) },
    ]) {
      await expect(admin.replayDeadLetter(request)).rejects.toMatchObject({ code: 'invalid_argument' });
      await expect(admin.discardDeadLetter(request)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
    await expect(admin.replayDeadLetter({ sequence: 999_999, reason: 'x' })).rejects.toMatchObject({ code: 'dead_letter_not_found' });
    await expect(viewer.getDeadLetter({ sequence: 999_999 })).rejects.toMatchObject({ code: 'dead_letter_not_found' });
  });

  it('need a permission: all roles read, admins alone settle', async () => {
    const letter = await letterOf();
    for (const role of ['viewer', 'operator'] as const) {
      const client = stack.clientOf(role);
      expect(await client.getDeadLetter({ sequence: letter.sequence })).toEqual({ letter });
      for (const settle of [client.replayDeadLetter, client.discardDeadLetter]) {
        await expect(settle({ sequence: letter.sequence, reason: 'x' })).rejects.toMatchObject({ code: 'permission_denied' });
      }
    }
    await expect(stack.clientOf().listDeadLetters(auditV1.ListDeadLettersRequest.fromPartial({}))).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(await typesOf(letter.id)).toEqual([]);
  });
});

describe('without NATS', () => {
  it('dead letters are unavailable, and nothing is recorded', async () => {
    const letter = await letterOf();
    const { server } = stack.nats;
    // A server that was given to the tests is not ours to stop.
    if (server === undefined) return;
    await server.stop();
    await eventuallyHolds(
      async () => {
        await expect(list()).rejects.toMatchObject({ code: 'unavailable' });
      },
      { what: 'the lost connection' },
    );
    await expect(admin.replayDeadLetter({ sequence: letter.sequence, reason: 'x' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await typesOf(letter.id)).toEqual([]);
    expect((await fetch(`${stack.service().httpUrl}/metrics`)).status).toBe(200);
  });
});
