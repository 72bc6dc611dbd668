import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/nats-core';
import { createLogger, currentContext, headersOfContext, newContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, failpointBoard, testFolder, testMessaging } from '@fairlead/testing';
import { ensureStream, streamConfig, type ConsumedMessage, type DeadLetter, type Messaging } from './index.js';

let nats: Awaited<ReturnType<typeof testMessaging>>;
let messaging: Messaging;
const silent = createLogger({ service: 'test', level: 'silent' });

beforeAll(async () => {
  nats = await testMessaging();
  ({ messaging } = nats);
  await eventually(async () => await (await messaging.manager()).streams.info(messaging.topology.streams.retry.name), { what: 'streams' });
  await ensureStream(await messaging.manager(), streamConfig(messaging.topology.streams.evt, { replicas: 1, firstSequence: 500 }), silent);
});

afterAll(() => nats.close());

const subjectOf = (eventType: string) => messaging.topology.subjects.event('tenant', 'acme', eventType);

async function publish(eventType: string, payload: string, carried: Record<string, string> = {}): Promise<number> {
  const carrier = headers();
  for (const [name, value] of Object.entries(carried)) carrier.set(name, value);
  return (await messaging.jetstream().publish(subjectOf(eventType), payload, { headers: carrier })).seq;
}

/** A consumer that fails for as long as it is told to, after two deliveries each time. */
function startFailing(name: string, eventType: string) {
  const seen: (ConsumedMessage & { correlationId: string | undefined })[] = [];
  const state = { failing: true, seen, stop: () => Promise.resolve() };
  const start = () => {
    const consumer = messaging.consume({
      name,
      stream: 'evt',
      filters: [messaging.topology.subjects.eventsOf('tenant', eventType)],
      maxDeliver: 2,
      backoffMs: [1],
      handler: (message) => {
        seen.push({ ...message, correlationId: currentContext()?.correlationId });
        return state.failing ? Promise.reject(new Error('no such\r\nshard')) : Promise.resolve();
      },
    });
    state.stop = () => consumer.stop();
  };
  start();
  return Object.assign(state, { start });
}

const lettersOf = (consumer: string) => messaging.deadLetters.list({ consumer });

function oneLetterOf(consumer: string): Promise<DeadLetter> {
  return eventually(
    async () => {
      const [letter, ...others] = await lettersOf(consumer);
      return others.length === 0 && letter;
    },
    { what: `one dead letter of ${consumer}` },
  );
}

const seenBy = (consumer: { seen: readonly ConsumedMessage[] }, deliveries: readonly number[]) =>
  eventuallyHolds(
    () => {
      expect(consumer.seen.map((message) => message.deliveries)).toEqual(deliveries);
    },
    { what: 'deliveries' },
  );

/** All that was to be handled once more is handled. */
const noneWaits = () =>
  eventuallyHolds(
    async () => {
      expect((await (await messaging.manager()).streams.info(messaging.topology.streams.retry.name)).state.messages).toBe(0);
    },
    { what: 'an empty retry stream' },
  );

describe('a replayed dead letter', () => {
  it('reaches the consumer that gave up, and only that one, as the message it was', async () => {
    const failing = startFailing('failing', 'replayed');
    const healthy = startFailing('healthy', 'replayed');
    healthy.failing = false;
    const context = newContext({ correlationId: 'cor-dead' });
    const sequence = await publish('replayed', '{"n": 1}', headersOfContext(context));
    const letter = await oneLetterOf('failing');
    expect(letter).toMatchObject({
      consumer: 'failing',
      original: { stream: messaging.topology.streams.evt.name, subject: subjectOf('replayed'), sequence },
      deliveries: 2,
      replays: 0,
      error: 'no such\r\nshard',
      data: { n: 1 },
    });
    expect((await messaging.deadLetters.counts()).get('failing')).toBe(1);
    failing.failing = false;
    expect(await messaging.deadLetters.replay(letter.sequence)).toBe(true);
    await seenBy(failing, [1, 2, 1]);
    const message = { subject: subjectOf('replayed'), sequence, data: { n: 1 }, deliveries: 1, correlationId: 'cor-dead' };
    expect(failing.seen[2]).toEqual(message);
    await noneWaits();
    expect(healthy.seen).toEqual([message]);
    expect(await lettersOf('failing')).toEqual([]);
    expect((await messaging.deadLetters.counts()).has('failing')).toBe(false);
    expect(await messaging.deadLetters.replay(letter.sequence)).toBe(false);
    await Promise.all([failing.stop(), healthy.stop()]);
  });

  it('comes back as a new letter of the same message when it fails again, as often as it does', async () => {
    const consumer = startFailing('stubborn', 'stubborn');
    const sequence = await publish('stubborn', '{}');
    let letter = await oneLetterOf('stubborn');
    for (const replays of [1, 2]) {
      expect(await messaging.deadLetters.replay(letter.sequence)).toBe(true);
      const before = letter;
      letter = await eventually(async () => (await lettersOf('stubborn')).find((found) => found.sequence > before.sequence), {
        what: 'a new letter',
      });
      expect(letter).toMatchObject({ replays, deliveries: 2, original: { ...before.original, sequence } });
      expect(letter.id).not.toBe(before.id);
      expect(await lettersOf('stubborn')).toHaveLength(1);
    }
    await seenBy(consumer, [1, 2, 1, 2, 1, 2]);
    await consumer.stop();
  });

  it('is handled once when several operators press at once', async () => {
    const consumer = startFailing('pressed', 'pressed');
    await publish('pressed', '{}');
    const letter = await oneLetterOf('pressed');
    consumer.failing = false;
    const pressed = await Promise.all([1, 2, 3].map(() => messaging.deadLetters.replay(letter.sequence)));
    expect(pressed).toContain(true);
    await noneWaits();
    await seenBy(consumer, [1, 2, 1]);
    await consumer.stop();
  });

  it('is handled once when a first try ended before it deleted the letter', async () => {
    const consumer = startFailing('interrupted', 'interrupted');
    const sequence = await publish('interrupted', '{}');
    const letter = await oneLetterOf('interrupted');
    consumer.failing = false;
    const failpoints = failpointBoard(testFolder('failpoints'));
    process.env['FAIRLEAD_FAILPOINTS'] = failpoints.folder;
    try {
      failpoints.set('dead_letter.replay.published', 'fail');
      await expect(messaging.deadLetters.replay(letter.sequence)).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      delete process.env['FAIRLEAD_FAILPOINTS'];
    }
    await seenBy(consumer, [1, 2, 1]);
    expect(await oneLetterOf('interrupted')).toEqual(letter);
    expect(await messaging.deadLetters.replay(letter.sequence)).toBe(true);
    await noneWaits();
    expect(consumer.seen.map((message) => message.sequence)).toEqual([sequence, sequence, sequence]);
    expect(await lettersOf('interrupted')).toEqual([]);
    const { state, config } = await (await messaging.manager()).streams.info(messaging.topology.streams.retry.name);
    const { delivered } = await (await messaging.manager()).consumers.info(messaging.topology.streams.retry.name, 'interrupted');
    expect([config.retention, delivered.stream_seq]).toEqual(['workqueue', state.last_seq]);
    await consumer.stop();
  });

  it('waits for a consumer that is stopped', async () => {
    const consumer = startFailing('stopped', 'stopped');
    await publish('stopped', '{}');
    const letter = await oneLetterOf('stopped');
    await consumer.stop();
    consumer.failing = false;
    await messaging.deadLetters.replay(letter.sequence);
    consumer.start();
    await seenBy(consumer, [1, 2, 1]);
    await noneWaits();
    await consumer.stop();
  });

  it('is a dead letter again when handling it ended the process each time; the event that waited behind it is handled', async () => {
    const consumer = startFailing('ending', 'ending');
    await publish('ending', '"ends the process"');
    const letter = await oneLetterOf('ending');
    await consumer.stop();
    consumer.failing = false;
    await messaging.deadLetters.replay(letter.sequence);
    await publish('ending', '"behind it"');
    const { evt, retry } = messaging.topology.streams;
    const rawOf = async (stream: string) => await messaging.jetstream().consumers.get(stream, 'ending');
    const [replays, events] = [await rawOf(retry.name), await rawOf(evt.name)];
    // Twice both were delivered and not acknowledged.
    for (let delivery = 0; delivery < 2; delivery++) (await replays.next({ expires: 2000 }))?.nak();
    (await events.next({ expires: 2000 }))?.nak();
    const behind = await events.next({ expires: 2000 });
    consumer.start();
    await eventuallyHolds(
      async () => {
        expect(await lettersOf('ending')).toMatchObject([
          { replays: 1, deliveries: 3, data: 'ends the process', error: 'handling did not finish in 2 deliveries' },
        ]);
      },
      { what: 'the replay given up on' },
    );
    behind?.nak();
    await seenBy(consumer, [1, 2, 3]);
    expect(consumer.seen[2]).toMatchObject({ data: 'behind it' });
    expect(await lettersOf('ending')).toHaveLength(1);
    await consumer.stop();
  });

  it('keeps its bytes, whatever they are', async () => {
    const consumer = startFailing('bytes', 'bytes');
    const payloads = ['{"big": 9007199254740993,  "base64": "x"}', '{not json'];
    for (const payload of payloads) await publish('bytes', payload);
    for (const replays of [0, 1]) {
      const letters = await eventually(
        async () => {
          const found = await lettersOf('bytes');
          return found.length === 2 && found.every((letter) => letter.replays === replays) && found;
        },
        { what: 'two letters' },
      );
      const manager = await messaging.manager();
      const stored = await Promise.all(
        letters.map(
          async ({ sequence }) => await manager.streams.getMessage(messaging.topology.streams.deadLetter.name, { seq: sequence }),
        ),
      );
      expect(stored.map((message) => Buffer.from(message?.data ?? []).toString()).sort()).toEqual(payloads);
      if (replays === 0) for (const letter of letters) await messaging.deadLetters.replay(letter.sequence);
    }
    await consumer.stop();
  });

  it('stays where it is when its consumer is no more, or nothing says whose it is', async () => {
    const consumer = startFailing('retired', 'retired');
    await publish('retired', '{}');
    const letter = await oneLetterOf('retired');
    await consumer.stop();
    const { subjects, streams } = messaging.topology;
    await (await messaging.manager()).consumers.delete(streams.retry.name, 'retired');
    await expect(messaging.deadLetters.replay(letter.sequence)).rejects.toMatchObject({ code: 'consumer_gone' });
    expect(await oneLetterOf('retired')).toEqual(letter);

    for (const record of [undefined, 'null', '{"consumer":"x"}', '{']) {
      const carrier = headers();
      if (record !== undefined) carrier.set('fairlead-dead-letter', record);
      const { seq } = await messaging.jetstream().publish(subjects.deadLetter('unknown'), '{"n":1}', { headers: carrier });
      expect((await messaging.deadLetters.find(seq)).letter).toMatchObject({ consumer: '', data: { n: 1 } });
      await expect(messaging.deadLetters.replay(seq)).rejects.toMatchObject({ code: 'consumer_gone' });
      expect(await messaging.deadLetters.discard(seq)).toBe(true);
    }
  });
});

describe('dead letters', () => {
  it('are listed page by page and discarded once', async () => {
    const consumer = startFailing('paged', 'paged');
    for (let n = 0; n < 5; n++) await publish('paged', JSON.stringify({ n }));
    const all = await eventually(
      async () => {
        const found = await lettersOf('paged');
        return found.length === 5 && found;
      },
      { what: 'five letters' },
    );
    const after = all[1]?.sequence ?? 0;
    expect(await messaging.deadLetters.list({ consumer: 'paged', after, limit: 2 })).toEqual(all.slice(2, 4));
    expect(await messaging.deadLetters.list({ consumer: 'nobody' })).toEqual([]);
    const [first] = all;
    const sequence = first?.sequence ?? 0;
    expect(await messaging.deadLetters.find(sequence)).toEqual({ id: first?.id, letter: first });
    expect(await messaging.deadLetters.discard(sequence)).toBe(true);
    expect(await messaging.deadLetters.discard(sequence)).toBe(false);
    expect(await messaging.deadLetters.find(sequence)).toEqual({ id: first?.id, letter: undefined });
    expect(await lettersOf('paged')).toEqual(all.slice(1));
    expect(consumer.seen).toHaveLength(10);
    await consumer.stop();
  });

  it('have other ids when their stream was lost and made anew, and are replayed from it too', async () => {
    const consumer = startFailing('anew', 'anew');
    const { streams } = messaging.topology;
    const manager = await messaging.manager();
    const seen: DeadLetter[] = [];
    for (const round of [1, 2]) {
      await manager.streams.delete(streams.deadLetter.name);
      await manager.streams.delete(streams.retry.name);
      expect(await messaging.deadLetters.list()).toEqual([]);
      consumer.failing = true;
      await publish('anew', JSON.stringify({ round }));
      const letter = await oneLetterOf('anew');
      expect(letter.sequence).toBe(1);
      seen.push(letter);
      consumer.failing = false;
      // The retry stream is made anew too, and then its consumer.
      await eventually(() => messaging.deadLetters.replay(1), { what: 'a replay' });
      await eventuallyHolds(
        () => {
          expect(consumer.seen.filter(({ data }) => (data as { round: number }).round === round)).toHaveLength(3);
        },
        { what: 'the replay handled' },
      );
    }
    expect(seen[0]?.id).not.toBe(seen[1]?.id);
    await consumer.stop();
  });
});
