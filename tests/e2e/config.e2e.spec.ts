/** Changes of configuration on the whole stack: a sample of the gateways tries a revision first, and what they route decides. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configDomains } from '@fairlead/contracts';
import { roleOf, schemaOf } from '@fairlead/postgres';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, testFolder } from '@fairlead/testing';
import { Operator, send, type Answer, type Job } from './support/operator.js';
import { openStackDatabaseAsAdmin } from './support/stack-database.js';
import { rightTexts, wrongTexts } from './support/wrong-configuration.js';

type Json = Record<string, unknown>;

interface ConfigPlan {
  digest: string;
  params: Json;
  changes: { op: string; pointer: string; before?: unknown; after?: unknown }[];
  checks: { name: string; verdict: string; message: string }[];
  impact: { tenants: string[]; services: string[]; every_tenant: boolean };
  inputs: { resource: string; revision: number }[];
}
interface Document {
  revision: number;
  sha256: string;
  state: string;
  candidate_revision: number | null;
  content: Json;
}
interface Gateway {
  shard_id: string;
  url: string;
}

interface Refusal {
  code: string | null;
  errors?: { pointer: string; detail: string }[];
}
type Verdict = Refusal & { valid: boolean };

const stateDir = testFolder('stack');
let stack: Stack;
let ann: Operator;
let gateways: Gateway[];

beforeAll(async () => {
  stack = await startStack({ stateDir, port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await send<{ items: (Gateway & { kind: string })[] }>(`${stack.simUrl}/sim/shards`);
  gateways = body.items.filter(({ kind }) => kind === 'gateway');
}, 180_000);

afterAll(() => stack.stop(), 60_000);

const reason = 'as the test wants it';
const routing = { domain: 'routing' };
const withTimeout = (timeoutMs: number) => ({
  routes: [
    { id: 'api', path_prefix: '/api', to: { kind: 'aggregate' }, timeout_ms: timeoutMs },
    { id: 'all', path_prefix: '/', to: { kind: 'projection' } },
  ],
});

const plan = (how: 'apply' | 'rollback', body: Json) => ann.post<ConfigPlan>(`/admin/v1/plan/config/${how}`, { ...body, reason });
const start = (how: 'apply' | 'rollback', digest: string) =>
  ann.post<{ job_id: string; code?: string }>(`/admin/v1/jobs/config/${how}`, { plan_digest: digest, reason });

async function planned(how: 'apply' | 'rollback', body: Json): Promise<ConfigPlan> {
  const answer = await plan(how, body);
  expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ digest: expect.any(String) })]);
  return answer.body;
}

/** Plans, starts, and waits for the end. */
async function changed(how: 'apply' | 'rollback', body: Json): Promise<Job> {
  const { digest } = await planned(how, body);
  const started = await start(how, digest);
  expect([started.status, started.body]).toEqual([202, { job_id: expect.any(String) }]);
  return ann.ended(started.body.job_id);
}

async function inForce(domain = 'routing'): Promise<Document> {
  return (await ann.get<Document>(`/admin/v1/config/${domain}`)).body;
}

const historyOf = async (domain = 'routing') =>
  (await ann.get<{ items: Document[] }>(`/admin/v1/config/${domain}/history`)).body.items.map(({ revision, sha256, state }) => ({
    ...{ revision, sha256, state },
  }));

/** By what each gateway says that it goes. */
async function applied(): Promise<Json> {
  const states = await Promise.all(
    gateways.map(async ({ shard_id: shard, url }) => {
      const { body } = await send<{ config: Record<string, { revision: number; sha256: string }> }>(`${url}/admin/state`);
      return [shard, body.config['routing/platform/default']] as const;
    }),
  );
  return Object.fromEntries(states);
}

const all = (value: unknown) => Object.fromEntries(gateways.map(({ shard_id: shard }) => [shard, value]));
const stepsOf = ({ steps }: Job) => Object.fromEntries(steps.map(({ name, status }) => [name, status]));

async function fairlead(args: string[], env: Record<string, string>): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../apps/cli/bin/fairlead.mjs'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return { code: await new Promise<number | null>((resolve) => child.once('close', resolve)), err };
}

describe('a change of the routes', () => {
  it('shows what it changes, and whom it touches, before it is made', async () => {
    const { changes, impact, checks, inputs } = await planned('apply', { ...routing, content: withTimeout(1_000) });
    expect(changes).toContainEqual({ op: 'changed', pointer: '/routes/0/id', before: 'all', after: 'api' });
    expect(impact).toMatchObject({ tenants: [], every_tenant: true, services: gateways.map(({ shard_id: shard }) => `gateway/${shard}`) });
    expect(checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['content_valid', 'pass'],
      ['changes_something', 'pass'],
      ['nothing_staged', 'pass'],
      ['config_published', 'pass'],
      ['gateways_follow', 'pass'],
      ['no_running_job', 'pass'],
    ]);
    expect(inputs).toEqual([
      { resource: 'config/routing/platform/default', revision: 0 },
      { resource: 'config/routing/platform/default/staged', revision: 0 },
    ]);
    expect(await inForce()).toMatchObject({ revision: 0, candidate_revision: null });
  });

  it('comes into force after a gateway has tried it, and all gateways go by it', async () => {
    const job = await changed('apply', { ...routing, content: withTimeout(1_000), expected_revision: 0 });
    expect([job.status, job.error]).toEqual(['succeeded', null]);
    const output = (name: string) => job.steps.find((step) => step.name === name)?.output;
    expect(output('backup')).toEqual({ revision: 0, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const sample = gateways.map(({ shard_id: shard }) => `${shard}/${shard}-1`).sort();
    expect(output('stage')).toMatchObject({ revision: 1, gateways: sample.slice(0, 1) });
    expect(output('verify-sample')).toEqual({ gateways: sample.slice(0, 1) });
    expect((output('verify') as { gateways: string[] }).gateways.toSorted()).toEqual(sample);
    const { revision, sha256, candidate_revision: candidate } = await inForce();
    expect([revision, candidate]).toEqual([1, null]);
    expect(await applied()).toEqual(all({ epoch: expect.any(Number), revision: 1, sha256 }));
  }, 90_000);

  it('goes back to the bytes of an earlier revision, as a revision of its own', async () => {
    expect((await changed('apply', { ...routing, text: JSON.stringify(withTimeout(2_000)) })).status).toBe('succeeded');
    expect((await changed('rollback', { ...routing, revision: 1 })).status).toBe('succeeded');
    const [newest, second, first] = await historyOf();
    expect([newest?.revision, newest?.state, second?.state, first?.state]).toEqual([3, 'effective', 'superseded', 'superseded']);
    expect(newest?.sha256).toBe(first?.sha256);
    const texts = await Promise.all(
      [1, 3].map(async (revision) => (await ann.get<Document>(`/admin/v1/config/routing/revisions/${String(revision)}`)).body.content),
    );
    expect(JSON.stringify(texts[1])).toBe(JSON.stringify(texts[0]));
    expect(await applied()).toEqual(all({ epoch: expect.any(Number), revision: 3, sha256: first?.sha256 }));
    expect((await plan('rollback', { ...routing, revision: 99 })).status).toBe(404);
  }, 120_000);

  it('that a sampled gateway does not route by never comes into force', async () => {
    const before = await inForce();
    const routed = await applied();
    const [sampled] = gateways.map(({ shard_id: shard }) => shard).sort();
    await ann.turn('gateway', sampled ?? '', { misroutes: true });
    try {
      const job = await changed('apply', { ...routing, content: withTimeout(3_000) });
      expect([job.status, job.error]).toEqual([
        'failed',
        expect.objectContaining({ code: 'routes_differ', step: 'verify-sample', message: expect.stringContaining(`${sampled ?? ''}/`) }),
      ]);
      expect(stepsOf(job)).toMatchObject({ stage: 'undone', 'verify-sample': 'failed' });
    } finally {
      await ann.turn('gateway', sampled ?? '', { misroutes: false });
    }
    expect(await inForce()).toEqual(before);
    expect((await historyOf())[0]).toMatchObject({ revision: 4, state: 'withdrawn' });
    expect(await applied()).toEqual(routed);
  }, 120_000);

  it('that another gateway does not route by is taken back everywhere', async () => {
    const before = await inForce();
    const last =
      gateways
        .map(({ shard_id: shard }) => shard)
        .sort()
        .at(-1) ?? '';
    await ann.turn('gateway', last, { misroutes: true });
    try {
      const job = await changed('apply', { ...routing, content: withTimeout(4_000) });
      expect([job.status, job.error]).toEqual(['failed', expect.objectContaining({ code: 'routes_differ', step: 'verify' })]);
      expect(stepsOf(job)).toMatchObject({ stage: 'undone', promote: 'undone', verify: 'failed' });
    } finally {
      await ann.turn('gateway', last, { misroutes: false });
    }
    const after = await inForce();
    expect([after.sha256, JSON.stringify(after.content)]).toEqual([before.sha256, JSON.stringify(before.content)]);
    expect((await historyOf()).slice(0, 2)).toEqual([
      { revision: 6, sha256: before.sha256, state: 'effective' },
      { revision: 5, sha256: expect.any(String), state: 'superseded' },
    ]);
    expect(await applied()).toEqual(all({ epoch: expect.any(Number), revision: 6, sha256: before.sha256 }));
  }, 120_000);

  it('is refused when what is in force is not what it was planned from', async () => {
    const [mine, theirs] = [await planned('apply', { ...routing, content: withTimeout(5_000) }), withTimeout(6_000)];
    expect((await changed('apply', { ...routing, content: theirs })).status).toBe('succeeded');
    expect(await start('apply', mine.digest)).toMatchObject({ status: 412, body: { code: 'plan_stale' } });
    const expecting = await plan('apply', { ...routing, content: withTimeout(5_000), expected_revision: 6 });
    expect(expecting).toMatchObject({ status: 412, body: { code: 'revision_mismatch' } });
  }, 90_000);

  it('wins alone of two that are started at once', async () => {
    const before = await inForce();
    const plans = await Promise.all([7_000, 8_000].map((ms) => planned('apply', { ...routing, content: withTimeout(ms) })));
    const answers = await Promise.all(plans.map(({ digest }) => start('apply', digest)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 412]);
    const won = answers.findIndex(({ status }) => status === 202);
    expect((await ann.ended(answers[won]?.body.job_id ?? '')).status).toBe('succeeded');
    expect(await inForce()).toMatchObject({ revision: before.revision + 1, sha256: plans[won]?.params['sha256'] });
  }, 90_000);
});

describe('a document that no gateway goes by', () => {
  it('comes into force without them', async () => {
    const job = await changed('apply', { domain: 'placement', content: { cooldown_seconds: 60 } });
    expect(job.status).toBe('succeeded');
    expect(job.steps.find(({ name }) => name === 'wait-sample')?.output).toEqual({
      gateways: [],
      note: 'no gateway goes by this document',
    });
    expect(await inForce('placement')).toMatchObject({ revision: 1, content: { cooldown_seconds: 60 } });
  }, 60_000);
});

describe('a document that is wrong', () => {
  const put = (seconds: number) =>
    ann.post('/admin/v1/definitions', {
      text: JSON.stringify({
        ...{ name: 'charge', kind: 'effect', triggers: ['order.placed'], timeout_seconds: seconds },
        steps: [{ id: 'charge', call: 'payments.charge' }],
      }),
      reason,
    });
  const retire = (version: number, how: 'retire' | 'restore' = 'retire') =>
    ann.post(`/admin/v1/definitions/charge/versions/${String(version)}/${how}`, { reason });

  /** What is answered once placement has its store again. */
  const settled = (ask: () => Promise<Answer<Refusal>>) =>
    eventually(
      async () => {
        const answer = await ask();
        if (answer.body.code === 'unavailable') throw new Error(JSON.stringify(answer.body));
        return answer;
      },
      { timeoutMs: 30_000, what: 'an answer' },
    );

  beforeAll(async () => {
    const answers = [await put(30), await put(40), await retire(1)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 200]);
  }, 60_000);

  it.each(configDomains)(
    'of %s is refused with its code and pointer, wherever it is given, and changes nothing',
    async (domain) => {
      const before = await inForce(domain);
      const told: unknown[] = [];
      const expected: unknown[] = [];
      for (const { what, format, text, code, pointer } of wrongTexts.filter((wrong) => wrong.domain === domain)) {
        const given = { domain, format, text };
        const verdict = await ann.post<Verdict>('/admin/v1/jobs/config/validate', given);
        const refused = await ann.post<Refusal>('/admin/v1/plan/config/apply', { ...given, reason });
        const at = (errors: Refusal['errors']) => (errors ?? []).map((one) => one.pointer).includes(pointer);
        told.push(
          [what, verdict.status, verdict.body.valid, verdict.body.code, at(verdict.body.errors)],
          [what, refused.status, refused.body.code, at(refused.body.errors)],
        );
        expected.push([what, 200, false, code, true], [what, 400, code, true]);
      }
      expect(told).toEqual(expected);
      const right = await ann.post<Verdict>('/admin/v1/jobs/config/validate', { domain, text: rightTexts[domain] });
      expect([right.status, right.body]).toEqual([200, expect.objectContaining({ valid: true, code: null, errors: [] })]);
      expect(await inForce(domain)).toEqual(before);
    },
    90_000,
  );

  it('since it was planned is not put in force by its plan', async () => {
    const { digest } = await planned('apply', { domain: 'runner-activation', text: rightTexts['runner-activation'] });
    expect((await retire(2)).status).toBe(200);
    const started = await start('apply', digest);
    expect([started.status, started.body]).toEqual([
      409,
      expect.objectContaining({ code: 'plan_blocked', detail: expect.stringContaining('retired') }),
    ]);
    expect((await retire(2, 'restore')).status).toBe(200);
    expect(await inForce('runner-activation')).toMatchObject({ revision: 0, candidate_revision: null });
    expect(await start('apply', `sha256:${'0'.repeat(64)}`)).toMatchObject({ status: 404, body: { code: 'plan_not_found' } });
  }, 60_000);

  it('can not be told from a right one while the store is away, and nothing says that it is right', async () => {
    const admin = await openStackDatabaseAsAdmin(stateDir, 'placement');
    const role = roleOf('placement');
    try {
      await admin.query(`alter role ${role} connection limit 0`);
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
      const given = { domain: 'routing', text: rightTexts['routing'] };
      const verdict = await ann.post('/admin/v1/jobs/config/validate', given);
      expect([verdict.status, verdict.body]).toEqual([503, expect.objectContaining({ code: 'config_source' })]);
      for (const [how, body] of [['apply', given] as const, ['rollback', { ...routing, revision: 1 }] as const]) {
        const answer = await ann.post<Refusal>(`/admin/v1/plan/config/${how}`, { ...body, reason });
        // A change that could not be recorded is refused before it is looked at.
        expect([how, answer.status, ['config_source', 'unavailable'].includes(answer.body.code ?? '')]).toEqual([how, 503, true]);
        expect(JSON.stringify(answer.body)).not.toContain(role);
      }
    } finally {
      await admin.query(`alter role ${role} connection limit -1`);
      await admin.close();
    }
    await eventually(async () => (await plan('apply', { ...routing, content: withTimeout(9_500) })).status === 201, {
      timeoutMs: 30_000,
      what: 'placement to have its store again',
    });
  }, 60_000);

  it('is not taken out of a store that does not hold what was written', async () => {
    const schema = schemaOf('placement');
    const damage = async (to: string, from: string) => {
      const admin = await openStackDatabaseAsAdmin(stateDir, 'placement');
      await admin.query(
        `update ${schema}.config_content set content = replace(content, $1, $2)
         where sha256 = (select sha256 from ${schema}.config_revision where domain = 'routing' and revision = 1)`,
        [from, to],
      );
      await admin.close();
    };
    await damage('"/apx"', '"/api"');
    try {
      const answers = [
        await settled(() => ann.get<Refusal>('/admin/v1/config/routing/revisions/1')),
        await settled(() => ann.get<Refusal>('/admin/v1/config/routing/diff?from=1&to=2')),
        await settled(() => ann.post<Refusal>('/admin/v1/plan/config/rollback', { ...routing, revision: 1, reason })),
      ];
      for (const { status, body } of answers)
        expect([status, body]).toEqual([
          503,
          expect.objectContaining({ code: 'config_source', errors: [{ pointer: '', detail: expect.stringContaining('revision 1') }] }),
        ]);
    } finally {
      await damage('"/api"', '"/apx"');
    }
    expect((await settled(() => ann.get<Refusal>('/admin/v1/config/routing/revisions/1'))).status).toBe(200);
  }, 60_000);

  it('ends the CLI with a code and what is wrong, one of each sort', async () => {
    const { body } = await ann.post<{ token: string }>('/admin/v1/api-tokens', { name: 'config', roles: ['admin'] });
    const file = (name: string, text: string) => {
      writeFileSync(join(stateDir, name), text);
      return join(stateDir, name);
    };
    const [unreadable, invalid] = [file('bad.yaml', 'routes: ['), file('bad.json', '{"defaults": {"nothing": 1}}')];
    const missing = join(stateDir, 'none.json');
    const change = ['--reason', reason, '--yes'];
    const cases: [args: string[], code: number, err: RegExp][] = [
      [['validate', 'routing', unreadable], 1, /config_decode/],
      [['apply', 'routing', unreadable, ...change], 2, /not YAML/],
      [['validate', 'runner-activation', invalid], 1, /config_invalid/],
      [['apply', 'runner-activation', invalid, ...change], 2, /there is no definition nothing/],
      [['validate', 'routing', missing], 2, /can't be read/],
      [['apply', 'routing', missing, ...change], 2, /can't be read/],
    ];
    for (const [args, code, err] of cases) {
      const told = await fairlead(['config', ...args], { FAIRLEAD_URL: stack.url, FAIRLEAD_TOKEN: body.token });
      expect([args, told.code, told.err]).toEqual([args, code, expect.stringMatching(err)]);
    }
  }, 60_000);
});

it('tells of each change in the trail', async () => {
  const { revision } = await inForce();
  const row = await eventually(
    async () => {
      const { body } = await ann.get<{ items: { action: string; resource_id: string; details: Json; job_id: string | null }[] }>(
        '/admin/v1/audit?limit=50&action=config.config_applied',
      );
      return body.items.find(({ details, resource_id: id }) => id === 'routing/platform/default' && details['revision'] === revision);
    },
    { timeoutMs: 30_000, what: 'the change to be in the trail' },
  );
  expect(row).toMatchObject({ job_id: expect.stringMatching(/^job_/), details: { source: 'api', previous_revision: revision - 1 } });
});
