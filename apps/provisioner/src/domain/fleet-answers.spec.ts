import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairleadError } from '@fairlead/contracts';
import {
  checkImport,
  checksumOf,
  isDefiniteRefusal,
  readExport,
  readReload,
  readSeenTenant,
  readTenantState,
  refusalOf,
} from './fleet-answers.js';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof FairleadError ? error.code : 'other';
  }
};

describe('answers of managed services', () => {
  it('reads a state, whatever else is told', () => {
    const body = { tenant_id: 't', state: 'draining', inflight: 2, lag: 3, fence: 4, last_seq: 5, repeated: false };
    expect(readTenantState(body)).toEqual({ state: 'draining', inflight: 2, lag: 3, fence: 4, lastSeq: 5 });
  });

  it('takes nothing that is not of the contract', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect([readTenantState, readExport].map((read) => codeOf(() => read(body)))).toEqual(['unavailable', 'unavailable']);
      }),
    );
    const state = { state: 'active', inflight: 0, lag: 0, fence: 0, last_seq: 0 };
    for (const wrong of [{ state: 'away' }, { inflight: -1 }, { lag: 0.5 }, { fence: '1' }, { last_seq: 2 ** 53 }]) {
      expect(codeOf(() => readTenantState({ ...state, ...wrong }))).toBe('unavailable');
    }
  });

  it('takes an export whose checksum holds, and no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (data, other) => {
        const answer = { state: 'sealed', data, sha256: checksumOf(data), last_seq: 9 };
        expect(readExport(answer)).toEqual({ data, sha256: checksumOf(data), lastSeq: 9 });
        // Lone surrogates have no UTF-8 of their own: different texts may be the same bytes.
        const same = Buffer.from(data).equals(Buffer.from(other));
        expect(codeOf(() => readExport({ ...answer, data: other }))).toBe(same ? 'none' : 'unavailable');
      }),
    );
  });

  it('reads what is told of a copy while there is one, and refuses an export whose copy is another', () => {
    const status = { state: 'imported', inflight: 0, lag: 0, fence: 4, last_seq: 5, copy: { sha256: 'sum', entries: 3 } };
    expect(readSeenTenant(status)).toEqual({
      state: 'imported',
      inflight: 0,
      lag: 0,
      fence: 4,
      lastSeq: 5,
      copy: { sha256: 'sum', entries: 3 },
    });
    expect(readSeenTenant({ ...status, state: 'active' })).not.toHaveProperty('copy');
    expect(readTenantState(status)).not.toHaveProperty('copy');
    expect(codeOf(() => readSeenTenant({ ...status, copy: { sha256: 'sum', entries: -1 } }))).toBe('unavailable');
    const exported = { state: 'sealed', data: 'd', sha256: checksumOf('d'), last_seq: 5, copy: { sha256: checksumOf('d'), entries: 3 } };
    expect(readExport(exported)).toMatchObject({ lastSeq: 5, entries: 3 });
    expect(codeOf(() => readExport({ ...exported, copy: { sha256: 'another', entries: 3 } }))).toBe('unavailable');
  });

  it('takes an import that ends where the export ended, and no other', () => {
    const exported = { data: '', sha256: '', lastSeq: 9 };
    expect(
      codeOf(() => {
        checkImport({ state: 'imported', last_seq: 9 }, exported);
      }),
    ).toBe('none');
    for (const body of [{ state: 'imported', last_seq: 8 }, { state: 'absent', last_seq: 9 }, {}]) {
      expect(
        codeOf(() => {
          checkImport(body, exported);
        }),
      ).toBe('unavailable');
    }
  });

  it('reads the revision of a reload, if there is one', () => {
    expect([readReload({ epoch: 1, revision: 7 }), readReload({ status: 'ok' })]).toEqual([7, 0]);
  });
});

describe('refusalOf', () => {
  it.each([
    [409, { code: 'tenant_state', detail: 'it is active' }, 'tenant_state', true],
    [503, { code: 'tenant_draining' }, 'tenant_state', true],
    [409, { code: 'tenant_moved' }, 'tenant_moved', true],
    [404, { code: 'tenant_unknown' }, 'tenant_not_found', true],
    [409, { code: 'stale_fence', highest_fence: 9 }, 'stale_fence', true],
    [409, { code: 'idempotency_key_reused' }, 'idempotency_key_reused', true],
    [413, 'too much', 'too_large', true],
    [400, { code: 'invalid' }, 'invalid_argument', true],
    [404, '<html>', 'unavailable', false],
    [401, { code: 'unauthenticated' }, 'unavailable', false],
    [403, undefined, 'unavailable', false],
    [408, undefined, 'unavailable', false],
    [429, undefined, 'unavailable', false],
    [500, { code: 'toString' }, 'unavailable', false],
    [503, undefined, 'unavailable', false],
    [204, undefined, 'unavailable', false],
  ])('makes of %d %j: %s, definite: %s', (status, body, code, definite) => {
    const error = refusalOf(status, body);
    expect([error.code, isDefiniteRefusal(error)]).toEqual([code, definite]);
  });

  it('tells the highest fence that the service has seen', () => {
    expect(refusalOf(409, { code: 'stale_fence', highest_fence: 9 }).details).toEqual({
      status: 409,
      service_code: 'stale_fence',
      highest_fence: 9,
    });
  });

  it('takes transport failures and everything unknown for unsettled', () => {
    const unsettled = [new FairleadError('service_unreachable', ''), new FairleadError('deadline_exceeded', ''), new Error('x'), undefined];
    expect(unsettled.map(isDefiniteRefusal)).toEqual([false, false, false, false]);
  });
});
