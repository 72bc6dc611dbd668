/** Whose an event is, in the trail and in the log, which a real Postgres judges: one meaning, whatever an event holds. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventCatalogue, kindsWithTenant, type EventCatalogue } from '@fairlead/contracts';
import type { StoredEvent } from '@fairlead/event-log';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import fc from 'fast-check';
import { recordOf } from '../projections/audit-record/evolve.js';
import { tenantExpression } from './tenant.js';

const catalogue: EventCatalogue = eventCatalogue;
/** Every type of event there is, one that no release knows of each aggregate, and an aggregate that there is not. */
const types = [...Object.entries(catalogue), ['unknown', { types: {} }] as const].flatMap(([aggregateType, events]) =>
  [...Object.keys(events.types), 'later'].map((type) => ({ aggregateType, type })),
);

const name = fc.constantFrom('acme', 'globex', '', 'Ümlaut 漢', "o'brien", '%');
const anything = fc.oneof(name, fc.jsonValue());
const aggregateId = fc.oneof(
  name,
  fc.constantFrom('@all', 'shard/runner/acme', 'shard/tenant/acme/runner', 'tenant/acme', 'tenant/acme/runner', 'tenant/a\nb/runner\n'),
  fc.constantFrom('tenant//runner', 'tenant/acme/runner/x', ' tenant/acme/runner'),
);
const params = fc.oneof(fc.record({ tenant: anything }), anything);
const kind = fc.oneof(fc.constantFrom(...kindsWithTenant, 'tenants-migrate', 'reload'), anything);
const payload = fc.oneof(fc.record({ tenant_id: anything, kind, params, by: name }, { requiredKeys: [] }), anything);
const meta = fc.oneof(fc.record({ tenant_id: anything, principal: name }, { requiredKeys: [] }), anything);

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'audit' });
}, 60_000);

afterAll(() => database.drop());

const eventOf = (parts: Partial<Record<keyof StoredEvent, unknown>>) =>
  ({ position: 1, version: 1, schemaVersion: 1, recordedAt: new Date(), payload: {}, meta: {}, ...parts }) as unknown as StoredEvent;

async function inTheLog(events: readonly StoredEvent[]): Promise<(string | null)[]> {
  const rows = events.map((event) => ({
    ...{ aggregate_type: event.aggregateType, aggregate_id: event.aggregateId, payload: event.payload, meta: event.meta },
  }));
  const found = await database.db.query<{ tenant: string | null }>(
    `select ${tenantExpression} as tenant
       from jsonb_array_elements($1::jsonb) with ordinality given(value, n),
         jsonb_to_record(given.value) event(aggregate_type text, aggregate_id text, payload jsonb, meta jsonb) order by n`,
    [JSON.stringify(rows)],
  );
  return found.map(({ tenant }) => tenant);
}

describe('the tenant of an event', () => {
  it.each<[string, Parameters<typeof eventOf>[0], string | null]>([
    ['of a move', { aggregateType: 'placement_map', aggregateId: 'acme', type: 'tenant_moved' }, 'acme'],
    ['of a command', { aggregateType: 'service_command', aggregateId: 'tenant/acme/runner', type: 'command_issued' }, 'acme'],
    ['of a job', { aggregateType: 'job', aggregateId: 'job_1', type: 'job_started', payload: { tenant_id: 'acme' } }, 'acme'],
    [
      'of an old plan',
      { aggregateType: 'plan', aggregateId: 'plan_1', type: 'plan_created', payload: { kind: 'tenant-drain', params: { tenant: 'acme' } } },
      'acme',
    ],
    ['of a job about none', { aggregateType: 'job', aggregateId: 'job_1', type: 'job_started' }, 'globex'],
    ['of the whole map', { aggregateType: 'placement_map', aggregateId: '@all', type: 'placement_epoch_raised' }, 'globex'],
    ['of a user', { aggregateType: 'user', aggregateId: 'usr_1', type: 'user_created' }, 'globex'],
  ])('%s is whose business it is, and else the one that the request was for', async (_, parts, tenant) => {
    const event = eventOf({ ...parts, meta: { tenant_id: 'globex' } });
    expect([recordOf(event).tenantId, ...(await inTheLog([event]))]).toEqual([tenant, tenant]);
  });

  it('is what the catalogue says, before anything else, and the same in the trail and in the log, for every type', async () => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ aggregateId, payload, meta }), { minLength: 5, maxLength: 5 }), async (samples) => {
        const events = types.flatMap((one) => samples.map((sample) => eventOf({ ...one, ...sample })));
        const trail = events.map((event) => recordOf(event).tenantId);
        expect(await inTheLog(events)).toEqual(trail);
        for (const [n, event] of events.entries()) {
          const { payload: written } = event as { payload: unknown };
          if (typeof written !== 'object' || written === null) continue;
          const tenant = catalogue[event.aggregateType]?.tenantOf?.(event);
          if (tenant === undefined) continue;
          judged += 1;
          expect([event, trail[n]]).toEqual([event, tenant]);
        }
      }),
      { numRuns: 40 },
    );
    expect(judged).toBeGreaterThan(500);
  }, 60_000);
});
