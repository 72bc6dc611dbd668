/** Changes of configuration on the whole stack: a sample of the gateways tries a revision first, and what they route decides. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, testFolder } from '@fairlead/testing';
import { Operator, send, type Answer, type Job } from './support/operator.js';

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

let stack: Stack;
let ann: Operator;
let gateways: Gateway[];

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
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
  const wrong: readonly [domain: string, content: Json, pointer: string][] = [
    ['routing', { routes: [{ id: 'a', path_prefix: 'api', to: { kind: 'aggregate' } }] }, '/routes/0/path_prefix'],
    ['placement', { pins: [{ tenants: ['nobody'], kind: 'runner', on: { shard: 'runner-1' } }] }, '/pins/0/tenants/0'],
    ['feature-flags', { flags: { beta: { value: true, tenants: { nobody: true } } } }, '/flags/beta/tenants/nobody'],
  ];

  it.each(wrong)('of %s is refused by its pointer, and no plan is made', async (domain, content, pointer) => {
    const told = (answer: Answer<Json>) => [answer.status, answer.body['code'], JSON.stringify(answer.body['errors'])];
    const refused = await ann.post('/admin/v1/plan/config/apply', { domain, content, reason });
    expect(told(refused)).toEqual([400, 'config_invalid', expect.stringContaining(`"pointer":"${pointer}"`)]);
    const verdict = await ann.post('/admin/v1/jobs/config/validate', { domain, text: JSON.stringify(content) });
    expect(verdict.body).toMatchObject({
      ...{ valid: false, code: 'config_invalid' },
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });

  it('that can not be read is told as such', async () => {
    const { status, body } = await plan('apply', { ...routing, format: 'yaml', text: 'routes: [' });
    expect([status, body]).toEqual([400, expect.objectContaining({ code: 'config_decode' })]);
  });
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
