// Real: Postgres with the event log. A plan is made once by a key, whoever asks again, from wherever, and whatever has changed since.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { openDatabase, schemaOf, type Database } from '@fairlead/postgres';
import { newContext, runInContext } from '@fairlead/telemetry';
import { ann, boot, database, db, logger } from './engine/bench.fixture.js';
import { step, toyKind, world } from './engine/toy.fixture.js';
import { createPlan as planRpc } from './grpc/create-plan.js';
import { createPlan, type PlanRequest } from './plans.js';
import type { JobDependencies } from './start-job.js';
import type { PlanRow } from './store/plans.js';

let broken: Error | undefined;
const kind = toyKind([step('one')], {
  readInputs: () => (broken === undefined ? Promise.resolve(world.revision) : Promise.reject(broken)),
});
const here = boot(kind, { engine: false });
/** Another replica: it has connections of its own, and shares no statement with the first. */
let pool: Database;
let there: JobDependencies;

beforeAll(async () => {
  pool = await openDatabase({
    ...{ url: database.url, password: database.password, schema: schemaOf('job-orchestrator') },
    ...{ poolSize: 10, applicationName: 'test-there', logger },
  });
  there = boot(kind, { engine: false, db: pool });
}, 60_000);

afterAll(() => pool.close());

const bob = { ...ann, id: 'user:usr_bob' };

function make(deps: JobDependencies, key: string, more: Partial<PlanRequest> & { principal?: typeof ann } = {}): Promise<PlanRow> {
  const { principal = ann, ...request } = more;
  const context = newContext({ principal: principal.id });
  return runInContext(context, () =>
    createPlan(deps, { kind: 'toy', params: { tenant: 'acme' }, reason: 'test', idempotencyKey: key, ...request }, { principal, context }),
  );
}

const toldOf = async (plan: PlanRow) =>
  (await readLog(db, { after: 0, limit: 1_000, aggregateType: 'plan', aggregateId: plan.plan_id })).map(({ type }) => type);
const plansOf = async (key: string) =>
  (await db.query<{ plans: number }>('select count(*) as plans from plan where idempotency_key = $1', [key]))[0]?.plans;

describe('the key of a plan', () => {
  it('makes one plan, which a repeat is answered, in whichever order its fields come', async () => {
    const key = newId('request');
    const first = await make(here, key, { params: { tenant: 'acme', note: 'a' } });
    const again = await make(there, key, { params: { note: 'a', tenant: 'acme' }, reason: ' test ' });
    expect(again).toEqual(first);
    expect(await toldOf(first)).toEqual(['plan_created']);
    expect(await plansOf(key)).toBe(1);
  });

  it('answers the plan that was made, also when nothing like it could be made now', async () => {
    const key = newId('request');
    const first = await make(here, key);
    world.revision += 1;
    expect(await make(here, key)).toEqual(first);
    broken = new Error('nobody answers');
    try {
      expect(await make(there, key)).toEqual(first);
      await expect(make(there, key, { reason: 'another' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
      await expect(make(there, newId('request'))).rejects.toBe(broken);
    } finally {
      broken = undefined;
    }
  });

  it.each<[string, Partial<PlanRequest>]>([
    ['parameters', { params: { tenant: 'globex' } }],
    ['a reason', { reason: 'another' }],
  ])('is refused with other %s, and nothing has changed', async (_, more) => {
    const key = newId('request');
    const first = await make(here, key);
    await expect(make(there, key, more)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
      details: { plan_id: first.plan_id },
    });
    expect(await plansOf(key)).toBe(1);
    expect(await make(here, key)).toEqual(first);
  });

  it('is its caller’s own, and no request without one is a repeat', async () => {
    const key = newId('request');
    const plans = [await make(here, key), await make(here, key, { principal: bob }), await make(here, ''), await make(here, '')];
    expect(new Set(plans.map(({ plan_id: id }) => id)).size).toBe(4);
    expect(await plansOf(key)).toBe(2);
  });

  it('is held to the caller’s permission at every turn', async () => {
    const key = newId('request');
    await make(here, key);
    await expect(make(here, key, { principal: { ...ann, grants: new Set() } })).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('makes one plan when many ask at once in two replicas, each with much else on its way', async () => {
    const keys = Array.from({ length: 12 }, () => newId('request'));
    const asked = [here, there].flatMap((deps, replica) =>
      // One asks in the order of the other's end: neither may wait for what the other holds.
      (replica === 0 ? keys : keys.toReversed()).flatMap((key) =>
        [make(deps, key), make(deps, key), make(deps, '')].map((made) => ({ key, made })),
      ),
    );
    const plans = await Promise.all(asked.map(async ({ key, made }, n) => ({ key, keyed: n % 3 < 2, plan: await made })));
    for (const key of keys) {
      const ids = new Set(plans.filter((one) => one.keyed && one.key === key).map(({ plan }) => plan.plan_id));
      expect([key, ids.size, await plansOf(key)]).toEqual([key, 1, 1]);
    }
    const made = new Map(plans.map(({ plan }) => [plan.plan_id, plan]));
    expect(made.size).toBe(12 + 24);
    for (const plan of made.values()) expect(await toldOf(plan)).toEqual(['plan_created']);
  }, 60_000);

  it('makes one plan of one key and none of two requests by it, at once', async () => {
    const key = newId('request');
    const outcomes = await Promise.allSettled([
      make(here, key),
      make(here, key, { reason: 'another' }),
      make(there, key, { reason: 'third' }),
    ]);
    const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'made' : (outcome.reason as { code: string }).code));
    expect(codes.sort()).toEqual(['idempotency_key_reused', 'idempotency_key_reused', 'made']);
    expect(await plansOf(key)).toBe(1);
  });

  it('is 1 to 128 visible characters', async () => {
    const context = newContext({ principal: ann.id });
    const call = { principal: ann, context, signal: new AbortController().signal };
    const request = { kind: 'toy', params: { tenant: 'acme' }, reason: 'test' };
    for (const idempotencyKey of ['two words', 'x'.repeat(129), 'ü'])
      await expect(planRpc(here).handle({ ...request, idempotencyKey }, call)).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
