import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { eventCatalogue, eventType, nextVersion, type EventType, type Payload } from '@fairlead/contracts';
import { checkEvent, decodeEvent, UnreadableEvent } from './catalogue.js';
import type { NewEvent, StoredEvent } from './types.js';

const stored = (change: Partial<StoredEvent>): StoredEvent => ({
  position: 12,
  aggregateType: 'tenant',
  aggregateId: 'acme',
  version: 1,
  type: 'changed',
  schemaVersion: 1,
  payload: {},
  meta: { principal: 'system', request_id: '', correlation_id: '' },
  recordedAt: new Date(0),
  ...change,
});

const catalogueOf = (type: EventType) => ({ tenant: { permission: 'tenant.read' as const, types: { changed: type } } });

/** A change of form from one version to the next. */
type Change = { way: 'add'; value: number } | { way: 'rename' } | { way: 'scale'; by: number } | { way: 'wrap' };

/** Each upcaster leaves its version in the trail, so that a chain applied in another order, or in part, shows. */
function upcastBy(change: Change, version: number): (payload: Payload) => Payload {
  const trail = ({ trail: done }: Payload) => ({ trail: [...(done as number[]), version] });
  switch (change.way) {
    case 'add':
      return (payload) => ({ ...payload, [`added_${String(version)}`]: change.value, ...trail(payload) });
    case 'rename':
      return ({ value, ...rest }) => ({ ...rest, value, [`was_${String(version)}`]: value, ...trail(rest) });
    case 'scale':
      return (payload) => ({ ...payload, value: Number(payload['value']) * change.by, ...trail(payload) });
    case 'wrap':
      return (payload) => ({ value: payload['value'], [`inner_${String(version)}`]: payload, ...trail(payload) });
  }
}

const changes = fc.array(
  fc.oneof(
    fc.record({ way: fc.constant('add' as const), value: fc.nat(9) }),
    fc.record({ way: fc.constant('rename' as const) }),
    fc.record({ way: fc.constant('scale' as const), by: fc.integer({ min: 2, max: 5 }) }),
    fc.record({ way: fc.constant('wrap' as const) }),
  ),
  { maxLength: 6 },
);

describe('an event that is read', () => {
  /** Each version's schema takes that version alone: the trail has one entry for each upcaster before it. */
  const schemaOf = (version: number) => z.looseObject({ value: z.number(), trail: z.array(z.number()).length(version - 1) });

  function typeOf(all: readonly Change[]): EventType {
    return all.reduce<EventType>(
      (earlier, change, index) => nextVersion(earlier, upcastBy(change, index + 2), schemaOf(index + 2)),
      eventType(schemaOf(1)),
    );
  }

  it('is brought to the version of now by the upcasters after its own, in order, and changes nothing of what it was', () => {
    fc.assert(
      fc.property(changes, fc.nat(9), fc.nat(100), (all, value, pick) => {
        const catalogue = catalogueOf(typeOf(all));
        const payloads: Payload[] = [{ value, trail: [] }];
        for (const [index, change] of all.entries()) payloads.push(upcastBy(change, index + 2)(payloads.at(-1) ?? {}));
        const written = pick % payloads.length;
        const event = stored({ schemaVersion: written + 1, payload: payloads[written] ?? {} });
        const before = structuredClone(event);
        expect(decodeEvent(event, catalogue)).toEqual({ ...event, schemaVersion: payloads.length, payload: payloads.at(-1) });
        expect(event).toEqual(before);
      }),
    );
  });

  it('of a version that is not known is refused, and so is a payload of another version', () => {
    fc.assert(
      fc.property(changes, fc.integer({ min: -3, max: 20 }), (all, schemaVersion) => {
        const decode = () => decodeEvent(stored({ schemaVersion, payload: { value: 1, trail: [] } }), catalogueOf(typeOf(all)));
        if (schemaVersion === 1) decode();
        else if (schemaVersion >= 1 && schemaVersion <= all.length + 1)
          expect(decode).toThrow(expect.objectContaining({ problem: 'invalid_payload' }));
        else expect(decode).toThrow(expect.objectContaining({ problem: 'unknown_version' }));
      }),
    );
  });

  it('is refused with its type, version and position', () => {
    const catalogue = catalogueOf(eventType(z.strictObject({ n: z.number() })));
    const refusal = (change: Partial<StoredEvent>) => {
      try {
        decodeEvent(stored(change), catalogue);
      } catch (error) {
        return error instanceof UnreadableEvent ? error.message : error;
      }
      return undefined;
    };
    expect(refusal({ payload: { n: 1 } })).toBeUndefined();
    expect(refusal({ type: 'gone' })).toBe('tenant.gone version 1 at position 12 is of a type that this release does not know');
    expect(refusal({ aggregateType: 'toString' })).toContain('toString.changed version 1 at position 12');
    expect(refusal({ type: 'constructor' })).toContain('tenant.constructor version 1 at position 12');
    expect(refusal({ schemaVersion: 2 })).toBe(
      'tenant.changed version 2 at position 12 is of a version that this release does not know; the last one is 1',
    );
    expect(refusal({ payload: { n: 'one' } })).toMatch(/^tenant\.changed version 1 at position 12 does not fit: n: /);
  });

  it('is refused, with the cause, when an upcaster fails', () => {
    const cause = new TypeError('no such field');
    const fails = () => {
      throw cause;
    };
    const catalogue = catalogueOf(nextVersion(eventType(z.strictObject({})), fails, z.strictObject({})));
    expect(() => decodeEvent(stored({}), catalogue)).toThrow(expect.objectContaining({ problem: 'invalid_payload', cause }));
  });

  it('may have fields that only a later release knows, however deep, and no other difference', () => {
    const one = z.strictObject({ kind: z.literal('one'), n: z.number() });
    const two = z.strictObject({ kind: z.literal('two'), list: z.array(one) });
    const catalogue = catalogueOf(eventType(z.strictObject({ inner: z.union([one, two]) })));
    const decode = (payload: Payload) => decodeEvent(stored({ payload }), catalogue).payload;
    const later = { inner: { kind: 'two', list: [{ kind: 'one', n: 1, later: true }], more: 1 }, tenant_id: 'acme' };
    expect(decode(later)).toEqual(later);
    expect(() => decode({ inner: { kind: 'two', list: [{ kind: 'one', later: true }] }, tenant_id: 'acme' })).toThrow('does not fit');
    expect(() => decode({ tenant_id: 'acme' })).toThrow('does not fit');
  });
});

describe('an event that is appended', () => {
  it('is known to the compiler', () => {
    const event = { aggregateType: 'user', aggregateId: 'usr_1' } as const;
    const right: NewEvent = { ...event, type: 'session_revoked', payload: { session_id: 'ses_1' } };
    // @ts-expect-error The type is another aggregate's.
    const otherType: NewEvent = { ...event, type: 'tenant_created', payload: right.payload };
    // @ts-expect-error The field is a number.
    const otherField: NewEvent = { ...event, type: 'session_revoked', payload: { session_id: 5 } };
    // @ts-expect-error There is no such field.
    const moreFields: NewEvent = { ...event, type: 'session_revoked', payload: { session_id: 'ses_1', secret: 'x' } };
    expect(checkEvent(right, eventCatalogue)).toBe(1);
    for (const wrong of [otherType, otherField, moreFields]) expect(() => checkEvent(wrong, eventCatalogue)).toThrow();
  });

  it('is written in the last version', () => {
    const type = nextVersion(eventType(z.strictObject({})), () => ({ n: 0 }), z.strictObject({ n: z.number() }));
    expect(checkEvent(stored({ payload: { n: 1 } }), catalogueOf(type))).toBe(2);
    expect(() => checkEvent(stored({ payload: {} }), catalogueOf(type))).toThrow('event tenant.changed version 2: n: ');
  });

  it.each([
    ['an unknown type', { type: 'user_vanished' }, 'unknown_event', 'there is no event type user.user_vanished'],
    ['an unknown aggregate type', { aggregateType: 'planet' }, 'unknown_event', 'there is no event type planet.session_revoked'],
    ['a property that every object has', { type: 'toString' }, 'unknown_event', 'there is no event type user.toString'],
    ['a field of another type', { payload: { session_id: 5 } }, 'invalid_argument', 'event user.session_revoked version 1: session_id: '],
    ['a field that is missing', { payload: {} }, 'invalid_argument', 'event user.session_revoked version 1: session_id: '],
    ['a field too many', { payload: { session_id: 's', secret: 'x' } }, 'invalid_argument', 'user.session_revoked version 1: payload: '],
  ])('is refused with %s', (_, change, code, message) => {
    const event = { aggregateType: 'user', type: 'session_revoked', payload: { session_id: 'ses_1' } };
    expect(checkEvent(event, eventCatalogue)).toBe(1);
    expect(() => checkEvent({ ...event, ...change }, eventCatalogue)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
