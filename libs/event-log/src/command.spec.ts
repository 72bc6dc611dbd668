import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairleadError, topology } from '@fairlead/contracts';
import { newContext } from '@fairlead/telemetry';
import { testEvents, type TestEvents } from '@fairlead/testing';
import { encodeCommand, maxCommandBytes, maxEventBytes } from './command.js';
import { encodeEvent, headersOf, positionHeader, wireForm } from './event-message.js';
import { assertGapless } from './read.js';
import { textOf, type Command, type EventMeta, type NewEvent, type StoredEvent } from './types.js';

const event = (change: Partial<NewEvent<TestEvents>> = {}): NewEvent<TestEvents> => ({
  aggregateType: 'tenant',
  aggregateId: 'acme',
  type: 'changed',
  payload: {},
  ...change,
});
const command = (...events: NewEvent<TestEvents>[]): Command<TestEvents> => ({ commandId: 'cmd_1', events });
const context = newContext({ principal: 'user:usr_1', tenantId: 'acme', sourceAddress: '203.0.113.9' });

/** What the log is given for each event, its JSON read again. */
function encoded(given: Command<TestEvents>) {
  const result = encodeCommand(given, context, testEvents);
  expect(result.events).toHaveLength(given.events.length);
  const texts = result.events.flatMap(({ payload, meta }) => [payload, meta]);
  expect(result.bytes).toBe(texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0));
  return result.events.map((one) => ({ ...one, payload: JSON.parse(one.payload) as unknown, meta: JSON.parse(one.meta) as unknown }));
}

/** Whether a text, or any text within a value, holds what jsonb refuses. */
function isClean(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isClean(key) && isClean(inner));
}

describe('a command', () => {
  it('carries its payload unchanged, or is refused when Postgres could not hold it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\0', '\\u0000', '\\\0', '\\\\u0000', '\ud800', '\\ud800', 'a\udc00b', '🚢'),
    );
    const payloads = fc.dictionary(
      text,
      fc.jsonValue({ maxDepth: 2 }).chain((value) => fc.oneof(fc.constant(value), text)),
    );
    fc.assert(
      fc.property(payloads, (payload) => {
        if (isClean(payload)) expect(encoded(command(event({ payload })))[0]?.payload).toEqual(JSON.parse(JSON.stringify(payload)));
        else expect(() => encoded(command(event({ payload })))).toThrow(FairleadError);
      }),
      { numRuns: 500 },
    );
  });

  it('takes metadata from the context, and what the event says before it', () => {
    const meta: Partial<EventMeta> = { tenant_id: 'globex', reason: 'because' };
    expect(encoded(command(event({ meta })))[0]?.meta).toEqual({
      principal: 'user:usr_1',
      request_id: context.requestId,
      correlation_id: context.correlationId,
      trace_id: context.traceparent.slice(3, 35),
      source_address: '203.0.113.9',
      tenant_id: 'globex',
      reason: 'because',
    });
  });

  it.each([
    ['no event', { commandId: 'cmd_1', events: [] }],
    ['too many events', command(...Array.from({ length: 1_001 }, () => event()))],
    ['no id', { commandId: '', events: [event()] }],
    ['an id that is too long', { commandId: 'x'.repeat(256), events: [event()] }],
    ['no aggregate id', command(event({ aggregateId: '' }))],
    ['a NUL in the aggregate id', command(event({ aggregateId: 'a\0' }))],
    ['a negative version', command(event({ expectedVersion: -1 }))],
    ['half a version', command(event({ expectedVersion: 0.5 }))],
  ])('with %s is refused', (_, wrong) => {
    expect(() => encodeCommand(wrong, context, testEvents)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('holds what nests 64 levels, brackets in texts not counted, and not more', () => {
    const nested = (levels: number): unknown => (levels === 0 ? '\\"[[{{' : [nested(levels - 1)]);
    const events = (levels: number) => command(event({ payload: { text: nested(levels) } }));
    expect(encodeCommand(events(63), context, testEvents).events).toHaveLength(1);
    expect(() => encodeCommand(events(64), context, testEvents)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('holds events of 256 KiB with their metadata, not more', () => {
    const payload = { text: 'x'.repeat(maxEventBytes - 1_000) };
    expect(encodeCommand(command(event({ payload })), context, testEvents).bytes).toBeGreaterThan(maxEventBytes - 1_000);
    const tooLarge = expect.objectContaining({ code: 'too_large' });
    expect(() => encodeCommand(command(event({ payload: { text: 'x'.repeat(maxEventBytes) } })), context, testEvents)).toThrow(tooLarge);
    expect(() => encodeCommand(command(event({ payload, meta: { reason: 'y'.repeat(1_000) } })), context, testEvents)).toThrow(tooLarge);
    const full = Array.from({ length: Math.ceil(maxCommandBytes / maxEventBytes) + 1 }, () => event({ payload }));
    expect(() => encodeCommand(command(...full), context, testEvents)).toThrow(tooLarge);
    expect(encodeCommand(command(...full.slice(2)), context, testEvents).bytes).toBeLessThan(maxCommandBytes);
  });
});

const stored = (position: number, meta: unknown): StoredEvent => ({
  position,
  aggregateType: 'tenant',
  aggregateId: 'a b/é',
  version: 1,
  type: 'changed',
  schemaVersion: 1,
  payload: {},
  meta: meta as EventMeta,
  recordedAt: new Date(0),
});

describe('a message', () => {
  it('has the ids of the request as headers', () => {
    const meta = {
      principal: 'user:usr_1',
      request_id: 'req_1',
      correlation_id: 'cor_1',
      trace_id: 'ab'.repeat(16),
      span_id: 'cd'.repeat(8),
      tenant_id: 'acme',
      job_id: 'job_1',
      step: 'drain',
    };
    expect(headersOf(255, meta)).toEqual({
      [positionHeader]: '255',
      'x-request-id': 'req_1',
      'x-correlation-id': 'cor_1',
      'x-tenant-id': 'acme',
      'x-job-id': 'job_1',
      'x-job-step': 'drain',
      traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
    });
    const { span_id: _, ...unsampled } = meta;
    expect(headersOf(255, unsampled)['traceparent']).toBe(`00-${'ab'.repeat(16)}-00000000000000ff-00`);
  });

  it('can be made of any metadata, with headers that are one line each', () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom('request_id', 'correlation_id', 'trace_id', 'span_id', 'tenant_id', 'job_id', 'step') }),
        (meta) => {
          const event = stored(7, meta);
          const message = encodeEvent(topology(''), textOf(event), 'one');
          for (const [name, value] of Object.entries(message.headers)) expect(`${name}: ${value}`).toMatch(/^[\x20-\x7e]+$/);
          expect(JSON.parse(message.data)).toEqual(JSON.parse(JSON.stringify(wireForm(event))));
          expect(message.subject).toBe('evt.tenant.a=20b=2f=c3=a9.changed');
        },
      ),
    );
  });
});

describe('assertGapless', () => {
  it('accepts what follows without a gap and nothing else', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(fc.nat(3), { maxLength: 20 }), (after, steps) => {
        let position = after;
        const events = steps.map((step) => ({ position: (position += step) }));
        const check = () => {
          assertGapless(after, events);
        };
        if (steps.every((step) => step === 1)) check();
        else expect(check).toThrow('was expected');
      }),
    );
  });
});
