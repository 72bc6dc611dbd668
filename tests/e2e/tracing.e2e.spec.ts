/** One trace holds a whole migration, across every process that has a part in it: read back from a real OTLP receiver. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, otlpReceiver, testFolder, type OtlpReceiver, type ReceivedSpan } from '@fairlead/testing';
import { Operator, type Job } from './support/operator.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const ourSpan = '00f067aa0ba902b7';
const otlpToken = 'otlp-token-of-this-test';

let receiver: OtlpReceiver;
let stack: Stack;
let ann: Operator;
let job: Job & { trace_id: string };
let trail: { trace_id: string; action: string; job_id: string }[];

beforeAll(async () => {
  receiver = await otlpReceiver();
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: true,
    sim: true,
    log: () => undefined,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: `x-otlp-token=${otlpToken}` },
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  const tenant = body.items[0]?.tenant_id ?? '';
  const plan = await ann.plan(tenant, await ann.elsewhere(tenant));
  const started = await ann.start(plan.body.digest, {}, { traceparent: `00-${traceId}-${ourSpan}-01` });
  expect(started).toMatchObject({ status: 202 });
  job = (await ann.ended(started.body.job_id)) as typeof job;
  expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
  await eventuallyHolds(
    async () => {
      const { body } = await ann.get<{ items: typeof trail }>(`/admin/v1/audit?trace_id=${traceId}&limit=200`);
      trail = body.items;
      expect(trail.map(({ action }) => action)).toContain('job.job_succeeded');
      expectEnd();
    },
    { timeoutMs: 30_000, intervalMs: 100, what: 'the last event of the job to be published' },
  );
  // A stop sends what is left: now every span is here.
  await stack.stop();
}, 180_000);

afterAll(async () => {
  await stack.stop();
  await receiver.close();
}, 60_000);

const ofTrace = () => receiver.spans.filter((span) => span.traceId === traceId);
const parentOf = (span: ReceivedSpan | undefined) => ofTrace().find(({ spanId }) => spanId === span?.parentSpanId);
const idsOf = (spans: readonly ReceivedSpan[]) => spans.map(({ spanId }) => spanId);

function named(service: string, kind: ReceivedSpan['kind'], name: string | RegExp): ReceivedSpan[] {
  return ofTrace().filter(
    (span) => span.service === service && span.kind === kind && (typeof name === 'string' ? span.name === name : name.test(span.name)),
  );
}

/** The last event of the job has been published, and all that goes on behind a job's back has begun. */
function expectEnd(): void {
  expect(named('audit', 'producer', /^publish .*EVT$/).map((span) => span.attributes['fairlead.event.type'])).toContain(
    'job.job_succeeded',
  );
  expect(named('fleet-observer', 'consumer', /^process .*EVT$/)).not.toEqual([]);
  expect(named('placement', 'producer', 'publish placement')).not.toEqual([]);
}

/** A call's two spans, in its two services, once or more. Answers the server's. */
function expectCall(rpc: string, from: string, to: string): ReceivedSpan[] {
  const servers = named(to, 'server', rpc);
  expect(servers).not.toEqual([]);
  for (const server of servers) {
    expect(parentOf(server)).toMatchObject({ service: from, kind: 'client', name: rpc });
    expect(server.attributes).toMatchObject({ 'rpc.system.name': 'grpc', 'rpc.method': rpc });
  }
  expect(servers.map((server) => server.attributes['rpc.status_code'])).toContain('OK');
  return servers;
}

function stepOf(span: ReceivedSpan | undefined): ReceivedSpan | undefined {
  if (span === undefined || span.name.startsWith('job step ')) return span;
  return stepOf(parentOf(span));
}

describe('the trace of a migration', () => {
  it('begins at the request, whose caller it names as the only parent outside', () => {
    const roots = ofTrace().filter(({ parentSpanId }) => parentSpanId === ourSpan);
    expect(roots).toMatchObject([{ service: 'api-gateway', kind: 'server', name: 'POST /admin/v1/jobs/tenant-migrate', status: 'unset' }]);
    const ids = new Set(idsOf(ofTrace()));
    const orphans = ofTrace().filter(({ parentSpanId }) => parentSpanId !== ourSpan && !ids.has(parentSpanId ?? ''));
    expect(orphans.map(({ service, name }) => `${service}: ${name}`)).toEqual([]);
    expect(roots[0]?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/admin/v1/jobs/tenant-migrate',
      'http.response.status_code': 202,
    });
    expect(
      parentOf(expectCall('fairlead.jobs.v1.JobOrchestratorService/StartJob', 'api-gateway', 'job-orchestrator')[0])?.parentSpanId,
    ).toBe(roots[0]?.spanId);
  });

  it('holds every run of every step', () => {
    const started = named('job-orchestrator', 'server', 'fairlead.jobs.v1.JobOrchestratorService/StartJob')[0];
    for (const step of job.steps) {
      const runs = named('job-orchestrator', 'internal', `job step tenant-migrate/${step.name}`);
      expect({ step: step.name, attempts: runs.map((run) => run.attributes['fairlead.job.step.attempt']).sort() }).toEqual({
        step: step.name,
        attempts: Array.from({ length: step.attempts }, (_, index) => index + 1),
      });
      expect(runs.at(-1)?.attributes).toMatchObject({
        'fairlead.job.id': job.job_id,
        'fairlead.job.step.direction': 'forward',
        'fairlead.job.step.outcome': 'done',
      });
      for (const run of runs) expect(run.parentSpanId).toBe(started?.spanId);
    }
    expect(named('job-orchestrator', 'internal', /^job step /)).toHaveLength(job.steps.reduce((sum, { attempts }) => sum + attempts, 0));
  });

  it.each([
    ['drain', 'drain', 'DrainTenant'],
    ['hand-over', 'export', 'HandOverTenant'],
    ['hand-over', 'import', 'HandOverTenant'],
    ['resume', 'resume', 'ResumeTenant'],
    ['drop-sealed-copy', 'drop', 'DropTenantCopy'],
  ])('goes through step %s to the managed service: %s', (step, action, rpc) => {
    expectCall(`fairlead.provisioner.v1.ProvisionerService/${rpc}`, 'job-orchestrator', 'provisioner');
    const served = named('fleet-sim', 'server', `POST /admin/tenants/:tenant/${action}`);
    const done = served.filter((span) => span.attributes['http.response.status_code'] === 200);
    expect(new Set(done.map((span) => span.attributes['fairlead.fleet.kind']))).toEqual(new Set(['aggregate', 'projection', 'runner']));
    for (const span of done) {
      const client = parentOf(span);
      expect(client).toMatchObject({ service: 'provisioner', kind: 'client', name: `POST /admin/tenants/{tenant_id}/${action}` });
      expect(client?.attributes).toMatchObject({
        'fairlead.fleet.shard': span.attributes['fairlead.fleet.shard'],
        'http.response.status_code': 200,
      });
      expect(parentOf(client)).toMatchObject({ service: 'provisioner', kind: 'server' });
      expect(stepOf(span)?.name).toBe(`job step tenant-migrate/${step}`);
    }
  });

  it('follows the new placement to KV, and its events over NATS to who consumes them', () => {
    const [moved] = expectCall('fairlead.placement.v1.PlacementService/MoveTenant', 'job-orchestrator', 'placement');
    expect(stepOf(moved)?.name).toBe('job step tenant-migrate/update-placement');
    expect(named('placement', 'producer', 'publish placement').map((span) => span.parentSpanId)).toEqual([moved?.spanId]);

    const published = named('audit', 'producer', /^publish .*EVT$/);
    const consumed = named('fleet-observer', 'consumer', /^process .*EVT$/);
    for (const span of consumed) {
      expect(idsOf(published)).toContain(span.parentSpanId);
      expect(span.attributes['messaging.message.id']).toBe(parentOf(span)?.attributes['messaging.message.id']);
    }
    expect(consumed.map((span) => parentOf(parentOf(span))?.spanId)).toContain(moved?.spanId);
    expect(new Set(published.map((span) => span.attributes['messaging.message.id'])).size).toBe(published.length);
  });

  it('is well-formed: names of services, times in order, ids used once', () => {
    const spans = ofTrace();
    expect(receiver.problems).toEqual([]);
    expect(new Set(spans.map(({ service }) => service))).toEqual(
      new Set(['api-gateway', 'job-orchestrator', 'placement', 'provisioner', 'fleet-observer', 'audit', 'fleet-sim']),
    );
    expect(new Set(idsOf(spans)).size).toBe(spans.length);
    for (const span of spans) expect(span.end >= span.start).toBe(true);
  });

  it('is the one that the job, the audit trail and the log tell of', () => {
    expect(job.trace_id).toBe(traceId);
    expect(trail.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['job.job_queued', 'service_command.command_issued', 'job.job_succeeded']),
    );
    for (const item of trail) expect(item).toMatchObject({ trace_id: traceId, job_id: job.job_id });

    const log = readFileSync(join(stack.stateDir, 'logs/provisioner.log'), 'utf8').split('\n').filter(Boolean);
    const lines = log.map((line) => JSON.parse(line) as Record<string, string>).filter((line) => line['trace_id'] === traceId);
    expect(lines).not.toEqual([]);
    for (const line of lines) expect(idsOf(named('provisioner', 'server', /./))).toContain(line['span_id']);
  });
});

it('no span of any trace holds a secret, and the receiver gets its own', () => {
  expect(receiver.posts.every((headers) => headers['x-otlp-token'] === otlpToken)).toBe(true);
  const dir = join(stack.stateDir, 'secrets');
  const secrets = readdirSync(dir)
    .filter((name) => name !== 'trust.jwks.json')
    .map((name) => readFileSync(join(dir, name), 'utf8').trim())
    .map((text) => (text.startsWith('{') ? (JSON.parse(text) as { d: string }).d : text));
  expect(secrets.length).toBeGreaterThan(10);
  const told = JSON.stringify(receiver.spans, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of [...secrets, stack.firstAdmin().password, otlpToken]) expect(told.includes(secret)).toBe(false);
  // No token of a caller or a service, and no statement.
  expect(told).not.toMatch(/eyJ[\w-]{10,}|Bearer |password|authorization|cookie|select .* from/i);
});
