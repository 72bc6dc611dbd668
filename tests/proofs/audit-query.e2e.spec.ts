/**
 * The audit trail is asked by any filter and any two of them, newest page or deep, in a time that does not grow with it. The trail is filled by
 * SQL with rows like real ones; every question is held against its answer by a plain look at all rows, and against the buffers that it reads.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listTrail, migrations, type RecordFilter } from '@fairlead/audit';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { proof } from '../e2e/support/proof.js';

const { full, figures, raw } = proof();
const rows = full ? Number(process.env['FAIRLEAD_PROOF_ROWS'] ?? '10000000') : 60_000;
const targetMs = 200;

let database: TestDatabase;

beforeAll(
  async () => {
    database = await testDatabase({ service: 'audit', migrations });
    const started = performance.now();
    // Half of it long ago by one principal and of one action, so that what is common there is not found in what is new.
    await database.adminSql.query(
      `insert into audit.record_e1
         select n, '2026-01-01'::timestamptz + n * interval '1 s',
           case when n <= $1 / 2 then (array['job.job_queued', 'job.step_succeeded', 'job.job_succeeded'])[1 + n % 3]
                when n % 2 = 0 then 'user.login_succeeded' else 'tenant.tenant_created' end,
           case when n <= $1 / 2 then 'user:usr_old' when n % 2 = 0 then 'user:usr_even' else 'user:usr_' || n % 100 end,
           case n % 2 when 0 then 'job-orchestrator' end, case when n % 3 = 0 then 't-' || n % 50 end,
           case when n <= $1 / 2 then 'job' when n % 2 = 0 then 'user' else 'tenant' end, 'r-' || n % 1000,
           'req_' || n / 4, 'cor_' || n / 16, md5((n / 16)::text), case when n <= $1 / 2 then 'job_' || n / 16 end, null, 'make room', 'succeeded',
           jsonb_build_object('tenant_id', 't-' || n % 50, 'step', 'drain', 'attempt', 1, 'note', repeat('x', 120))
           from generate_series(1, $1::bigint) n`,
      [rows],
    );
    await database.adminSql.query('vacuum analyze audit.record_e1');
    figures['rows'] = rows;
    figures['filled in s'] = Math.round((performance.now() - started) / 1_000);
  },
  full ? 3_600_000 : 120_000,
);

afterAll(() => database.drop());

const old = Math.floor(rows / 4);
const at = (n: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + n * 1_000);
const single: Readonly<Record<string, RecordFilter>> = {
  nothing: {},
  'a common principal': { principal: 'user:usr_even' },
  'a common principal of long ago': { principal: 'user:usr_old' },
  'a rare principal': { principal: 'user:usr_7' },
  nobody: { principal: 'user:usr_nobody' },
  tenant: { tenantId: 't-3' },
  'a common action': { action: { exactly: 'user.login_succeeded' } },
  'a common action of long ago': { action: { exactly: 'job.job_succeeded' } },
  'actions that begin so': { action: { startingWith: 'job.' } },
  'no such actions': { action: { startingWith: 'zebra.' } },
  target: { resource: { type: 'job', id: 'r-7' } },
  request: { requestId: `req_${String(Math.floor(old / 4))}` },
  correlation: { correlationId: `cor_${String(Math.floor(old / 16))}` },
  job: { jobId: `job_${String(Math.floor(old / 16))}` },
  'an hour long ago': { from: at(old), to: at(old + 3_600) },
  'a time before all': { to: at(0) },
  'a time after all': { from: at(rows + 1) },
};
const questions: readonly (readonly [string, RecordFilter])[] = [
  ...Object.entries(single),
  ...Object.entries(single).flatMap(([one, a], n) =>
    Object.entries(single)
      .slice(n + 1)
      .filter(([, b]) => !Object.keys(b).some((key) => key in a))
      .map(([other, b]) => [`${one}, ${other}`, { ...a, ...b }] as const),
  ),
];

/** Pages as one by one, the positions of all together, each page's time and what it read. */
async function ask(filter: RecordFilter, before: number, most: number) {
  const pages: { ms: number; buffers: number }[] = [];
  const found: number[] = [];
  for (let next: number | undefined = before; next !== undefined && found.length < most && pages.length < 400;) {
    const statements: [string, readonly unknown[]][] = [];
    const sql = {
      query: (text: string, params: unknown[] = []) => {
        statements.push([text, params]);
        return database.db.query(text, params);
      },
    };
    const started = performance.now();
    const page = await listTrail(sql as never, filter, { before: next, limit: 50 });
    const ms = performance.now() - started;
    let buffers = 0;
    for (const [text, params] of statements) buffers = Math.max(buffers, await buffersOf(text, params));
    pages.push({ ms, buffers });
    found.push(...page.records.map(({ position }) => position));
    next = page.nextBefore;
  }
  return { pages, found: found.slice(0, most) };
}

async function buffersOf(text: string, params: readonly unknown[]): Promise<number> {
  const [row] = await database.db.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
    `explain (analyze, buffers, format json) ${text}`,
    [...params],
  );
  const plan = row?.['QUERY PLAN'][0]?.Plan;
  return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
}

/** The same by a look at all rows. */
async function plainly(filter: RecordFilter, before: number, most: number): Promise<number[]> {
  const { action, resource } = filter;
  const found = await database.db.query<{ position: number }>(
    `select position from (select * from record offset 0) r
       where ($1::text is null or principal = $1) and ($2::text is null or tenant_id = $2) and ($3::text is null or action = $3)
         and ($4::text is null or starts_with(action, $4)) and ($5::text is null or resource_type = $5 and resource_id = $6)
         and ($7::text is null or request_id = $7) and ($8::text is null or correlation_id = $8) and ($9::text is null or job_id = $9)
         and ($10::timestamptz is null or time >= $10) and ($11::timestamptz is null or time < $11) and ($12::bigint = 0 or position < $12)
       order by position desc limit $13`,
    [
      ...[filter.principal, filter.tenantId, action !== undefined && 'exactly' in action ? action.exactly : undefined],
      ...[action !== undefined && 'startingWith' in action ? action.startingWith : undefined, resource?.type, resource?.id],
      ...[filter.requestId, filter.correlationId, filter.jobId, filter.from, filter.to, before, most],
    ],
  );
  return found.map(({ position }) => position);
}

describe(`a trail of ${String(rows)} records`, () => {
  it.each(questions)(
    'is asked by %s',
    async (what, filter) => {
      for (const before of [0, Math.floor(rows * 0.6), 40]) {
        const { pages, found } = await ask(filter, before, 120);
        if (!full) expect([before, found]).toEqual([before, await plainly(filter, before, 120)]);
        const [slowest, largest] = [Math.max(...pages.map(({ ms }) => ms)), Math.max(...pages.map(({ buffers }) => buffers))];
        raw.push({ what, before, pages: pages.length, slowest_ms: slowest, buffers: largest });
        // One filter reads its page, and of each of its values one; several a window, or those of one that has few: never the whole.
        expect(largest).toBeLessThan(what in single ? 1_000 : 20_000);
        if (full && slowest > Number(figures['slowest ms'] ?? 0))
          Object.assign(figures, { 'slowest ms': Math.round(slowest), slowest: `${what}, before ${String(before)}` });
        if (full) expect(slowest).toBeLessThan(targetMs);
      }
    },
    full ? 600_000 : 60_000,
  );
});
