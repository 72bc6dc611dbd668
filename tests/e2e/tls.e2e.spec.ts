/** The whole product with mutual TLS between its processes: it works, refuses whom it must, and takes new certificates while it works. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeError, jobsV1, type ControlPlaneService, type Peer } from '@fairlead/contracts';
import { prepareCertificates, startStack, type Stack } from '@fairlead/dev-env';
import { createRpcClient } from '@fairlead/rpc';
import { eventually, eventuallyHolds, testFolder } from '@fairlead/testing';
import { fixedTls, readByHttps, type TlsMaterial, type TlsSource } from '@fairlead/tls';
import { createAuthority, issueCertificate, type Authority } from '@fairlead/tls/authority';
import { Operator } from './support/operator.js';
import { gatewaySigner } from './support/rpcs.js';

let stack: Stack;
let ann: Operator;
let tenant: string;
let token: string;

const read = (...path: string[]) => readFileSync(join(stack.stateDir, ...path), 'utf8');
/** The stack's CA, as whoever holds its key. */
const ca = (): Authority => ({ cert: read('ca/ca.crt'), key: read('ca/ca.key') });
const trusted = () => read('secrets/tls-ca.crt');
/** The certificate that a service uses. */
const own = (service: ControlPlaneService): TlsMaterial => ({
  cert: read('secrets', `${service}.tls.crt`),
  key: read('secrets', `${service}.tls.key`),
  ca: trusted(),
});
const made = async (authority: Authority, peer: Peer, options: { days?: number; now?: Date } = {}): Promise<TlsMaterial> => ({
  ...(await issueCertificate(authority, { peer, ...options })),
  ca: trusted(),
});

beforeAll(async () => {
  stack = await startStack({
    ...{ stateDir: testFolder('stack'), port: 0, separate: true, sim: true, tls: true, log: () => undefined },
    env: { ACCESS_TOKEN_TTL_SECONDS: '3600', SIGNING_KEY_LEAD_SECONDS: '5' },
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  tenant = body.items[0]?.tenant_id ?? '';
  token = await (await gatewaySigner(stack)).signUser({ userId: 'usr_1', email: 'a@example.test', roles: ['admin'] }, 3_600);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

/** Asks the orchestrator for its jobs, as an admin. @returns `answered`, or the error's code with all that it says */
async function listJobs(material: TlsMaterial | undefined): Promise<string> {
  const ports = JSON.parse(read('ports.json')) as Record<string, number>;
  const tls: TlsSource | undefined = material === undefined ? undefined : fixedTls(material);
  const address = `127.0.0.1:${String(ports['job-orchestrator.grpc'])}`;
  const client = createRpcClient(jobsV1.JobOrchestratorServiceService, { address, tls, token: () => token });
  try {
    await client.listJobs(jobsV1.ListJobsRequest.fromPartial({ limit: 1 }));
    return 'answered';
  } catch (error) {
    return `${(error as { code: string }).code}: ${describeError(error)}`;
  } finally {
    client.close();
  }
}

/** Moves the tenant away from where it is, and sees that nothing was lost on the way. */
async function move(): Promise<void> {
  const to = await ann.elsewhere(tenant);
  const job = await ann.ended(await ann.migrate(tenant, to));
  expect({ status: job.status, error: job.error }).toEqual({ status: 'succeeded', error: null });
  expect(await ann.placementOf(tenant)).toEqual(to);
  expect(await ann.reportAfter(200)).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
}

describe('processes that speak mutual TLS', () => {
  it('move a tenant', async () => {
    await move();
  }, 90_000);

  it("let the gateway's certificate in, and refuse another service's, a stranger's, an expired one and plain text", async () => {
    const dayMs = 86_400_000;
    expect(await listJobs(own('api-gateway'))).toBe('answered');
    for (const service of ['placement', 'provisioner', 'fleet-observer', 'audit', 'job-orchestrator'] as const)
      expect(await listJobs(own(service))).toBe(
        `permission_denied: ${service} may not call fairlead.jobs.v1.JobOrchestratorService/ListJobs`,
      );
    const strange = await made(await createAuthority(), 'api-gateway');
    const expired = await made(ca(), 'api-gateway', { days: 1, now: new Date(Date.now() - 2 * dayMs) });
    for (const refused of [strange, expired, undefined]) expect(await listJobs(refused)).toMatch(/^service_unreachable: /);
    expect(read('logs/job-orchestrator.log')).toContain('a TLS handshake failed');
  }, 60_000);

  it('take another CA and new certificates without a restart, and no call is lost', async () => {
    const pids = stack.pids();
    const before = own('api-gateway');
    const stopped = new AbortController();
    const statuses: number[] = [];
    const asking = (async () => {
      while (!stopped.signal.aborted) {
        statuses.push((await ann.get('/admin/v1/jobs?limit=1')).status);
        await delay(20);
      }
    })();
    /** Every service uses the files that are there now. */
    const inUse = async (step: string, count: number) => {
      await eventuallyHolds(
        () => {
          for (const service of ['placement', 'provisioner', 'fleet-observer', 'audit', 'job-orchestrator', 'api-gateway'])
            expect([service, read(`logs/${service}.log`).split('new TLS certificates are in use').length - 1]).toEqual([service, count]);
        },
        { what: `${step} everywhere`, timeoutMs: 30_000 },
      );
      // The server of NATS reads its files when it is told to.
      process.kill(stack.pids()['nats'] ?? 0, 'SIGHUP');
    };
    try {
      await prepareCertificates(stack.stateDir, { newCa: true });
      await inUse('both CAs', 1);
      await prepareCertificates(stack.stateDir, { renew: true });
      await inUse('new certificates', 2);
      await move();
      await prepareCertificates(stack.stateDir, { dropOldCa: true });
      await inUse('the new CA alone', 3);
      await move();
    } finally {
      stopped.abort();
      await asking;
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses.length).toBeGreaterThan(10);
    expect(await listJobs({ ...before, ca: trusted() })).toMatch(/^service_unreachable: /);
    expect(await listJobs(own('api-gateway'))).toBe('answered');
    expect(stack.pids()).toEqual(pids);
  }, 180_000);

  it('take the keys of users from the gateway alone, which tells them to services', async () => {
    const rotated = () => ann.post('/admin/v1/signing-keys/rotate', { reason: 'spec' });
    await eventually(async () => (await rotated()).status === 200, { what: 'another signing key', timeoutMs: 60_000, intervalMs: 500 });
    // Nobody has been given the key that this login is signed with.
    const again = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
    expect((await again.get('/admin/v1/jobs?limit=1')).status).toBe(200);
    const ports = JSON.parse(read('ports.json')) as Record<string, number>;
    const url = `https://127.0.0.1:${String(ports['api-gateway.jwks'])}/.well-known/jwks.json`;
    const as = (material: TlsMaterial) =>
      readByHttps(url, { source: fixedTls(material), server: 'api-gateway', timeoutMs: 5_000, maxBytes: 65_536 });
    expect(JSON.parse(await as(own('audit')))).toEqual((await ann.get('/.well-known/jwks.json')).body);
    await expect(as(await made(ca(), 'edge'))).rejects.toThrow('it was answered with 403');
    await expect(fetch(url)).rejects.toThrow();
  }, 90_000);

  it('use nothing of NATS that is not theirs, with all that the log, its stream and its consumers are looked at for', async () => {
    expect(await ann.get('/admin/v1/stuck')).toMatchObject({ status: 200, body: { not_checked: [] } });
    expect((await ann.get('/admin/v1/dead-letters')).status).toBe(200);
    await eventuallyHolds(
      async () => {
        const { body } = await ann.post<{ stream_compared: number }>('/admin/v1/log/verify', {});
        expect(body).toMatchObject({ stream_problem: null, findings: [] });
        expect(body.stream_compared).toBeGreaterThan(0);
        expect(await (await fetch(`${stack.url}/metrics`)).text()).toMatch(/^fairlead_follower_streaming\S* 1$/m);
      },
      { what: 'the stream to mirror the log, and the gateway to follow it' },
    );
    for (const service of ['placement', 'provisioner', 'fleet-observer', 'audit', 'job-orchestrator', 'api-gateway', 'fleet-sim'])
      expect([service, read(`logs/${service}.log`).match(/.*NATS refuses what this service may not do.*/g)]).toEqual([service, null]);
    const nats = read('nats/nats.log');
    expect(nats.match(/.*Violation.*/g)).toBeNull();
    expect(nats.split('Reloaded server configuration').length - 1).toBe(3);
  }, 60_000);
});
