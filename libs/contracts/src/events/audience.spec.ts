import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { permissions } from '../permissions.js';
import { eventCatalogue } from './catalogue.js';
import type { EventCatalogue, EventFacts } from './define.js';

const catalogue: EventCatalogue = eventCatalogue;

const tenantOf = (facts: Partial<EventFacts> & { aggregateType: string }) =>
  catalogue[facts.aggregateType]?.tenantOf?.({ aggregateId: 'x', type: 'x', payload: {}, ...facts });

describe('whose business an event is', () => {
  it.each<[string, Partial<EventFacts> & { aggregateType: string }, string | undefined]>([
    ['a tenant', { aggregateType: 'tenant', aggregateId: 'acme' }, 'acme'],
    ['a move', { aggregateType: 'placement_map', aggregateId: 'acme' }, 'acme'],
    ['the whole map', { aggregateType: 'placement_map', aggregateId: '@all' }, undefined],
    ['a command on a tenant', { aggregateType: 'service_command', aggregateId: 'tenant/acme/runner' }, 'acme'],
    ['a command on a shard', { aggregateType: 'service_command', aggregateId: 'shard/runner/acme' }, undefined],
    ['a command on what is called like one', { aggregateType: 'service_command', aggregateId: 'shard/tenant/acme/runner' }, undefined],
    ['a job that names its tenant', { aggregateType: 'job', payload: { tenant_id: 'acme', step: 'drain', attempt: 1 } }, 'acme'],
    ['a job that names none', { aggregateType: 'job', payload: { step: 'drain', attempt: 1 } }, undefined],
    ['an old migration', { aggregateType: 'job', payload: { kind: 'tenant-migrate', params: { tenant: 'acme' } } }, 'acme'],
    ['an old plan of a drain', { aggregateType: 'plan', payload: { kind: 'tenant-drain', params: { tenant: 'acme' } } }, 'acme'],
    ['a plan of another kind', { aggregateType: 'plan', payload: { kind: 'reload', params: { tenant: 'acme' } } }, undefined],
    ['a plan with odd parameters', { aggregateType: 'plan', payload: { kind: 'tenant-drain', params: { tenant: ['acme'] } } }, undefined],
    ['a tenant that is none', { aggregateType: 'plan', payload: { kind: 'tenant-drain', params: null, tenant_id: 5 } }, undefined],
  ])('%s', (_, facts, tenant) => {
    expect(tenantOf(facts)).toBe(tenant);
  });

  it('is the platform’s alone for everything else', () => {
    const others = Object.keys(catalogue).filter((type) => catalogue[type]?.tenantOf === undefined);
    expect(others.sort()).toEqual([
      'config',
      'data_table',
      'dead_letter',
      'definition',
      'endpoint',
      'event_log',
      'iam_change',
      'org',
      'project',
      'projection',
      'role',
      'role_binding',
      'sensitive_read',
      'shard',
      'signing_key',
      'user',
      'webhook',
    ]);
  });

  it('never hangs on more than the aggregate and the payload', () => {
    const facts = { aggregateType: 'job', aggregateId: 'j', type: 'x', payload: {}, meta: { tenant_id: 'acme' } };
    for (const aggregate of Object.values(catalogue)) {
      for (const aggregateId of ['@all', 'shard/runner/r']) {
        if (aggregate === catalogue['tenant'] || aggregate === catalogue['placement_map']) continue;
        expect(aggregate.tenantOf?.({ ...facts, aggregateId })).toBeUndefined();
      }
    }
  });

  it('says what its tenants see of each type that they may get, and names fields that there are', () => {
    for (const [name, { tenantOf: tenant, nodeOf, scoped = {}, types }] of Object.entries(catalogue)) {
      const platformAlone = name === 'placement_map' ? ['placement_epoch_raised', 'placement_bucket_differed'] : [];
      const expected =
        tenant === undefined && nodeOf === undefined ? [] : Object.keys(types).filter((type) => !platformAlone.includes(type));
      expect([name, Object.keys(scoped).sort()]).toEqual([name, expected.sort()]);
      for (const [type, fields] of Object.entries(scoped)) {
        const { properties = {} } = z.toJSONSchema(types[type]?.schemas.at(-1) ?? z.never(), { io: 'input' });
        expect(Object.keys(properties)).toEqual(expect.arrayContaining(fields.map((field) => field.split('.')[0])));
      }
    }
  });

  it('is read with permissions that there are', () => {
    for (const { permission } of Object.values(catalogue)) expect(permissions).toContain(permission);
  });
});
