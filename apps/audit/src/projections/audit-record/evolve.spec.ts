import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aggregateOwners, type AggregateType } from '@fairlead/contracts';
import type { StoredEvent } from '@fairlead/event-log';
import { boundedDetails, cutMarker, maxDetailsBytes } from '../../domain/details.js';
import { outcomeOf, outcomes } from '../../domain/outcome.js';
import { recordOf } from './evolve.js';

const aggregateTypes = Object.keys(aggregateOwners) as AggregateType[];
const optionalText = fc.option(fc.string({ maxLength: 40 }), { nil: undefined });
const payload = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 12, stringUnit: 'binary' })) as fc.Arbitrary<
  Record<string, unknown>
>;

const anyMeta = fc.jsonValue() as fc.Arbitrary<unknown>;
const longText = fc.string({ unit: 'binary', minLength: 300, maxLength: 5_000 });

const event: fc.Arbitrary<StoredEvent> = fc.record({
  position: fc.integer({ min: 1 }),
  aggregateType: fc.constantFrom(...aggregateTypes),
  aggregateId: fc.string({ minLength: 1, maxLength: 40 }),
  version: fc.integer({ min: 1 }),
  type: fc.oneof(fc.string(), fc.constantFrom('tenant_created', 'login_failed', 'drain_requested', 'command_denied')),
  schemaVersion: fc.constant(1),
  payload,
  meta: fc.record({
    principal: fc.string({ minLength: 1 }),
    via: optionalText,
    tenant_id: optionalText,
    request_id: fc.string({ minLength: 1 }),
    correlation_id: fc.string({ minLength: 1 }),
    trace_id: optionalText,
    job_id: optionalText,
    step: optionalText,
    reason: optionalText,
    source_address: optionalText,
  }),
  recordedAt: fc.date({ noInvalidDate: true }),
});

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const sample = (changes: Partial<StoredEvent>): StoredEvent => ({
  position: 7,
  aggregateType: 'tenant',
  aggregateId: 'acme',
  version: 3,
  type: 'tenant_moved',
  schemaVersion: 1,
  payload: { to: 'runner-2' },
  meta: {
    principal: 'user:usr_1',
    via: 'job-orchestrator',
    request_id: 'req_1',
    correlation_id: 'cor_1',
    trace_id: 'a1',
    job_id: 'job_1',
    step: 'place',
    reason: 'room',
    source_address: '203.0.113.9',
  },
  recordedAt: new Date('2026-11-01T10:00:00Z'),
  ...changes,
});

describe('recordOf', () => {
  it('carries every id, who, what and why', () => {
    expect(recordOf(sample({}))).toEqual({
      position: 7,
      time: new Date('2026-11-01T10:00:00Z'),
      action: 'tenant.tenant_moved',
      principal: 'user:usr_1',
      via: 'job-orchestrator',
      tenantId: 'acme',
      resourceType: 'tenant',
      resourceId: 'acme',
      requestId: 'req_1',
      correlationId: 'cor_1',
      traceId: 'a1',
      jobId: 'job_1',
      step: 'place',
      reason: 'room',
      sourceAddress: '203.0.113.9',
      outcome: 'succeeded',
      details: { to: 'runner-2' },
    });
  });

  it("finds a job's own events by the job's id and no tenant where there is none", () => {
    const meta = { principal: 'service:job-orchestrator', request_id: 'req_1', correlation_id: 'cor_1' };
    const record = recordOf(sample({ aggregateType: 'job', aggregateId: 'job_9', type: 'job_queued', meta }));
    expect(record).toMatchObject({
      jobId: 'job_9',
      tenantId: null,
      via: null,
      traceId: null,
      step: null,
      reason: null,
      sourceAddress: null,
      outcome: 'requested',
    });
  });

  it('makes a bounded record of any event', () => {
    fc.assert(
      fc.property(event, (given) => {
        const record = recordOf(given);
        expect(record.position).toBe(given.position);
        expect(record.time).toBe(given.recordedAt);
        expect(record.action).toBe(`${given.aggregateType}.${given.type}`);
        expect([record.resourceType, record.resourceId]).toEqual([given.aggregateType, given.aggregateId]);
        expect([record.principal, record.requestId, record.correlationId]).toEqual([
          given.meta.principal,
          given.meta.request_id,
          given.meta.correlation_id,
        ]);
        expect(record.reason).toBe(given.meta.reason ?? null);
        expect(outcomes).toContain(record.outcome);
        expect(bytesOf(record.details)).toBeLessThanOrEqual(maxDetailsBytes);
      }),
    );
  });

  it('makes a record even of an event that its service got wrong, within the bounds of an index', () => {
    const wrong = fc.record({
      aggregateId: longText,
      payload: anyMeta,
      meta: fc.oneof(anyMeta, fc.record({ principal: longText, tenant_id: longText, reason: longText, job_id: anyMeta })),
    });
    fc.assert(
      fc.property(wrong, (given) => {
        const record = recordOf(sample(given as Partial<StoredEvent>));
        const { principal, requestId, correlationId, resourceId, action } = record;
        const ids = [
          principal,
          requestId,
          correlationId,
          resourceId,
          action,
          record.via,
          record.tenantId,
          record.traceId,
          record.jobId,
          record.step,
        ];
        for (const id of ids) if (id !== null) expect(Array.from(id).length).toBeLessThanOrEqual(201);
        expect(Array.from(record.reason ?? '').length).toBeLessThanOrEqual(2_001);
        expect(principal).not.toBe('');
        expect(Array.isArray(record.details)).toBe(false);
        expect(bytesOf(record.details)).toBeLessThanOrEqual(maxDetailsBytes);
      }),
    );
  });
});

describe('outcomeOf', () => {
  it.each([
    ['drain_requested', {}, 'requested'],
    ['job_queued', {}, 'requested'],
    ['command_issued', {}, 'requested'],
    ['login_failed', {}, 'failed'],
    ['job_needs_attention', {}, 'failed'],
    ['step_retrying', {}, 'failed'],
    ['job_compensating', {}, 'requested'],
    ['command_denied', {}, 'denied'],
    ['command_refused', {}, 'denied'],
    ['tenant_created', {}, 'succeeded'],
    ['job_cancelled', {}, 'succeeded'],
    ['job_finished', { status: 'failed' }, 'failed'],
    ['step_changed', { status: 'running' }, 'requested'],
    ['step_changed', { status: 'succeeded' }, 'succeeded'],
    ['job_overdue', { status: 'waiting' }, 'failed'],
    ['schedule_missed', {}, 'failed'],
    ['step_progressed', {}, 'requested'],
    ['tenant_created', { outcome: 'denied' }, 'denied'],
    ['drain_requested', { outcome: 'nonsense', status: 'failed' }, 'requested'],
    ['constructor', { status: 'toString' }, 'succeeded'],
  ])('%s with %j is %s', (type, given, expected) => {
    expect(outcomeOf(type, given)).toBe(expected);
  });
});

describe('boundedDetails', () => {
  it('keeps what fits as it is', () => {
    fc.assert(
      fc.property(payload, (given) => {
        fc.pre(bytesOf(given) <= maxDetailsBytes && depthOf(given) <= 8);
        expect(JSON.stringify(boundedDetails(given))).toBe(JSON.stringify(given));
      }),
    );
  });

  it('cuts what is too long, says so, and leaves no half character', () => {
    const big = fc.record({
      text: fc.string({ unit: 'binary', minLength: 3_000, maxLength: 9_000 }),
      rest: fc.array(payload, { minLength: 1, maxLength: 300 }),
    });
    fc.assert(
      fc.property(big, (given) => {
        const details = boundedDetails(given);
        expect(bytesOf(details)).toBeLessThanOrEqual(maxDetailsBytes);
        expect(depthOf(details)).toBeLessThanOrEqual(9);
        if (bytesOf(given) > maxDetailsBytes) expect(details[cutMarker]).toBe(bytesOf(given));
        // A lone surrogate would show as an escape.
        expect(JSON.stringify(details)).not.toMatch(/\\ud[89a-f][0-9a-f]{2}/i);
      }),
      { numRuns: 50 },
    );
  });

  it('shortens one long text and keeps the keys around it', () => {
    expect(boundedDetails({ a: 1, text: 'é'.repeat(20_000), z: [true, null] })).toEqual({
      a: 1,
      text: `${'é'.repeat(2_000)}…`,
      z: [true, null],
      [cutMarker]: 40_033,
    });
  });
});
