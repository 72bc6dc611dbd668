/** Jobs that are made in one call are made as if each had come in a call of its own. On a real Postgres. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '@fairlead/contracts';
import { db } from '../engine/bench.fixture.js';
import { newJob } from '../engine/born.fixture.js';
import { insertJobs, type Inserted, type NewJob } from './insert.js';
import { registerReplica } from './replica.js';

let claimer: string;

beforeAll(async () => {
  claimer = newId('replica');
  await registerReplica(db, { replicaId: claimer, host: '', pid: 1, kinds: ['toy:1'], leaseMs: 600_000 });
});

const anyJob = fc.record({
  tenants: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
  key: fc.nat(5),
  scope: fc.nat(1),
  mayWait: fc.boolean(),
  claimer: fc.constantFrom('live', 'gone', 'none'),
});
type AnyJob = typeof anyJob extends fc.Arbitrary<infer Job> ? Job : never;

/** The jobs in a world of their own, in which nothing else is. */
function jobsOf(given: readonly AnyJob[]): NewJob[] {
  const world = randomUUID();
  return given.map(({ tenants, key, scope, mayWait, claimer: claims }, index) => ({
    ...newJob(`${world}-${String(index)}`),
    locks: tenants.map((tenant) => `${world}/${String(tenant)}`).sort(),
    ...{ scope: `${world}:${String(scope)}`, idempotency_key: String(key), payload_hash: String(index), may_wait: mayWait },
    ...(claims === 'none' ? {} : { claimer: claims === 'live' ? claimer : 'rep_gone' }),
    steps: ['one', 'two'],
    ...(index % 2 === 0 ? { started: { type: 'job_started', schema_version: 1, payload: {}, meta: '{}' } } : {}),
  }));
}

/** What came of them and how they stand, without what differs between two worlds. */
async function told(jobs: readonly NewJob[], made: readonly Inserted[]) {
  const numberOf = new Map(jobs.map(({ job_id: id }, index) => [id, index]));
  const ids = [...numberOf.keys()];
  const rows = await db.query<{ job_id: string; seq: number; status: string; blocked: number; claimed: boolean; steps: string[] }>(
    `select job_id, seq, status, blocked, owner is not null and started_at is not null as claimed,
       array(select s.name || ' ' || s.status || ' ' || s.attempts || ' ' || (s.owner is not null)::text from step s where s.job_id = j.job_id order by s.index) as steps
     from job j where job_id = any($1) order by seq`,
    [ids],
  );
  const lines = await db.query<{ resource: string; job_id: string; seq: number }>(
    'select resource, job_id, seq from lock where job_id = any($1) order by resource, seq',
    [ids],
  );
  for (const [index, one] of made.entries()) {
    if (one.outcome !== 'made' || one.fence === null) continue;
    expect([index, rows.find(({ job_id: id }) => id === one.id)?.seq]).toEqual([index, one.seq]);
  }
  return {
    made: made.map((one) => ({
      outcome: one.outcome,
      id: numberOf.get(one.id),
      asked: one.outcome === 'repeated' ? one.asked : undefined,
      claimed: one.outcome === 'made' && one.fence !== null,
      begun: one.outcome === 'made' && one.fence !== null && one.begun,
    })),
    rows: rows.map(({ job_id: id, status, blocked, claimed, steps }) => [numberOf.get(id), status, blocked, claimed, steps]),
    lines: lines.map(({ resource, job_id: id }) => [resource.split('/')[1], numberOf.get(id)]),
  };
}

describe('jobs that are made in one call', () => {
  it('are what they would be one after the other, wherever the calls begin and end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyJob, { minLength: 1, maxLength: 8 }), fc.nat(8), async (given, cut) => {
        const [together, apart] = [jobsOf(given), jobsOf(given)];
        const inTwo = [together.slice(0, cut), together.slice(cut)].filter((jobs) => jobs.length > 0);
        const made: Inserted[] = [];
        for (const jobs of inTwo) made.push(...(await db.transaction((tx) => insertJobs(tx, jobs))));
        const oneByOne: Inserted[] = [];
        for (const job of apart) oneByOne.push(...(await db.transaction((tx) => insertJobs(tx, [job]))));
        expect(await told(together, made)).toEqual(await told(apart, oneByOne));
      }),
      { numRuns: 120 },
    );
  }, 120_000);

  it('are made once when two requests with the same keys come at the same time, and nobody stands in line for nothing', async () => {
    for (let round = 0; round < 10; round += 1) {
      const world = randomUUID();
      // Of resources that differ, so that neither waits for the other's line.
      const callOf = (side: string) =>
        Array.from({ length: 6 }, (_, n) => ({
          ...newJob(`${world}-${side}-${String(n)}`, { scope: world, idempotency_key: String(n), payload_hash: side, claimer }),
          locks: [`${world}/${side}/${String(n % 2)}`],
        }));
      const [left, right] = [callOf('left'), callOf('right').reverse()];
      const both = await Promise.allSettled([left, right].map((jobs) => db.transaction((tx) => insertJobs(tx, jobs))));
      // Two that take the same keys in another order may be in each other's way: then Postgres ends one of them, and nothing of it is left.
      const outcomes = both.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
      expect(outcomes.filter(({ outcome }) => outcome === 'made')).toHaveLength(6);
      const [stand] = await db.query<{ jobs: number; lines: number; wrong: number }>(
        `select count(*)::int as jobs, (select count(*)::int from lock l where starts_with(l.resource, $1)) as lines,
           (count(*) filter (where blocked <> (select count(*) from lock m where m.job_id = j.job_id
              and exists (select from lock e where e.resource = m.resource and e.seq < m.seq))))::int as wrong
         from job j where scope = $1`,
        [world],
      );
      expect(stand).toEqual({ jobs: 6, lines: 6, wrong: 0 });
    }
  });
});
