/** The ground of a whole stack: real jobs over the simulated fleet. The facts are placement's tables, KV, and what each shard says. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenSigner, parsePrivateJwk, type TokenSigner } from '@fairlead/auth';
import { configV1, fleetV1, jobsV1, placedKinds, placementV1, provisionerV1, type ControlPlaneService } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { watchPlacement, type PlacementWatch } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import { createLogger } from '@fairlead/telemetry';
import { eventually, type FailpointBoard } from '@fairlead/testing';
import type { JobClients } from '../../../../apps/job-orchestrator/src/jobs/clients.js';
import { CrashBench } from '../crash-bench.js';
import { send } from '../operator.js';
import { openStackDatabase } from '../stack-database.js';
import type { Effect, EndedJob, Facts, Ground, Params } from './conform.js';
import { sampleOf, type Fleet } from './samples.js';

interface Member {
  kind: string;
  shard_id: string;
  url: string;
}

const reason = 'conformance';

export class FleetGround implements Ground {
  readonly settleMs = 15_000;
  private turn = 0;

  private constructor(
    readonly bench: CrashBench,
    /** What the job kinds of the stack look at. */
    readonly clients: JobClients & { jobs: RpcClient<jobsV1.JobOrchestratorServiceService> },
    /** As the orchestrator. */
    readonly jobsDb: Database,
    private readonly placementDb: Database,
    private readonly published: { messaging: Messaging; watch: PlacementWatch },
    private readonly gateway: TokenSigner,
    private readonly members: readonly Member[],
    private readonly tenants: readonly string[],
  ) {}

  /** Boots the stack, each service in a process of its own. */
  static async start(): Promise<FleetGround> {
    const bench = await CrashBench.start();
    const { stateDir, simUrl } = bench.stack;
    const read = (name: string) => readFileSync(join(stateDir, name), 'utf8').trim();
    const ports = JSON.parse(read('ports.json')) as Record<string, number>;
    const signerOf = (service: ControlPlaneService) =>
      createTokenSigner({ privateJwk: parsePrivateJwk(read(`secrets/${service}.key.json`)) });
    const [gateway, orchestrator] = await Promise.all([signerOf('api-gateway'), signerOf('job-orchestrator')]);
    const to = (service: ControlPlaneService) => ({
      address: `127.0.0.1:${String(ports[`${service}.grpc`])}`,
      token: () => orchestrator.serviceToken(),
    });
    const clients = {
      placement: createRpcClient(placementV1.PlacementServiceService, to('placement')),
      config: createRpcClient(configV1.ConfigServiceService, to('placement')),
      provisioner: createRpcClient(provisionerV1.ProvisionerServiceService, to('provisioner')),
      fleet: createRpcClient(fleetV1.FleetObserverServiceService, to('fleet-observer')),
      jobs: createRpcClient(jobsV1.JobOrchestratorServiceService, { ...to('job-orchestrator'), token: () => userToken(gateway, 'ann') }),
    };
    const database = (service: ControlPlaneService) =>
      openStackDatabase(stateDir, service, { applicationName: 'test-conformance', poolSize: 2 });
    const logger = createLogger({ service: 'test', level: 'silent' });
    const url = `nats://127.0.0.1:${String(ports['nats'])}`;
    const messaging = await connectMessaging({
      url,
      user: 'fairlead',
      token: read('secrets/nats-token'),
      namespace: '',
      name: 'test',
      logger,
    });
    const { body } = await send<{ items: Member[] }>(`${simUrl}/sim/shards`);
    const topology = await send<{ tenants: { tenant_id: string }[] }>(`${simUrl}/sim/topology`);
    return new FleetGround(
      bench,
      clients,
      await database('job-orchestrator'),
      await database('placement'),
      { messaging, watch: watchPlacement({ messaging, logger }) },
      gateway,
      body.items,
      topology.body.tenants.map((tenant) => tenant.tenant_id),
    );
  }

  async stop(): Promise<void> {
    const { placement, config, provisioner, fleet, jobs } = this.clients;
    for (const client of [placement, config, provisioner, fleet, jobs]) client.close();
    await this.published.watch.stop();
    await this.published.messaging.close();
    await Promise.all([this.jobsDb.close(), this.placementDb.close()]);
    await this.bench.stop();
  }

  get board(): FailpointBoard {
    return this.bench.board;
  }

  /** The kinds that the stack's replicas run, as `<kind>:<version>`. */
  async registeredKinds(): Promise<string[]> {
    const { replicas } = await this.clients.jobs.listReplicas({});
    return [...new Set(replicas.filter(({ alive }) => alive).flatMap(({ kinds }) => kinds))].sort();
  }

  async prepare(kind: string): Promise<Params> {
    await this.bench.settled();
    await this.registerShards();
    for (const tenant of this.stopped(await this.facts())) await this.run('tenant-resume', { tenant });
    const facts = await this.facts();
    const from = this.turn++ % this.tenants.length;
    const fleet: Fleet = {
      facts,
      tenants: [...this.tenants.slice(from), ...this.tenants.slice(0, from)],
      shards: (of) => this.members.filter((member) => member.kind === of).map((member) => member.shard_id),
      run: (other, params) => this.run(other, params),
      onNode: async (shard, node) => {
        const member = this.members.find((one) => one.kind === 'runner' && one.shard_id === shard);
        if (member === undefined) throw new Error(`there is no runner ${shard}`);
        await this.register(member, { node }, await userToken(this.gateway, 'ann'));
      },
      revisionOf: async (sha256) => {
        const [row] = await this.placementDb.query<{ revision: number }>(
          `select revision from config_revision where domain = 'routing' and sha256 = $1 and effective_at is not null order by revision desc limit 1`,
          [sha256],
        );
        if (row === undefined) throw new Error(`no revision of the routes has the content ${sha256}`);
        return row.revision;
      },
      keep: async (content) => {
        const identity = { domain: 'routing', scope: 'platform', name: 'default' };
        const token = await userToken(this.gateway, 'ann');
        return (await this.clients.config.prepareConfig({ identity, format: 'json', text: JSON.stringify(content) }, { token })).sha256;
      },
    };
    return sampleOf(kind).params(fleet);
  }

  /** Shards that an earlier job has removed or cordoned are there again. */
  private async registerShards(): Promise<void> {
    const active = await this.placementDb.query<{ name: string }>(
      `select kind || '/' || shard_id as name from shard where state = 'active'`,
    );
    const known = new Set(active.map(({ name }) => name));
    const token = await userToken(this.gateway, 'ann');
    for (const member of this.members) if (!known.has(`${member.kind}/${member.shard_id}`)) await this.register(member, {}, token);
  }

  private async register({ kind, shard_id: shardId, url }: Member, labels: Record<string, string>, token: string): Promise<void> {
    const shard = { kind, shardId, endpoints: [{ endpointId: `${shardId}-1`, url }], weight: 0, labels: { fleet: 'simulated', ...labels } };
    const wanted = { ...shard, state: 'active', revision: 0, tenants: 0 };
    await this.clients.placement.putShard({ shard: wanted, expectedRevision: 0 }, { token });
  }

  /** Tenants that an earlier job has left drained. */
  private stopped(facts: Facts): string[] {
    return this.tenants.filter((tenant) =>
      placedKinds.some((kind) => facts[`state ${kind}/${facts[`placed ${tenant}/${kind}`] ?? ''}/${tenant}`] !== 'active'),
    );
  }

  private async run(kind: string, params: Params): Promise<void> {
    const jobId = await this.begin(kind, params);
    const { status, error } = await this.bench.ann.ended(jobId);
    if (status !== 'succeeded') throw new Error(`a ${kind} that was to prepare a case was ${status}: ${JSON.stringify(error)}`);
  }

  async begin(kind: string, params: Params): Promise<string> {
    const plan = await eventually(
      async () => {
        const { plan: made } = await this.clients.jobs.createPlan({ kind, params, reason, idempotencyKey: '' });
        const blocks = made?.checks.filter(({ verdict }) => verdict === 'block') ?? [];
        if (blocks.length > 0) throw new Error(JSON.stringify(blocks));
        return made;
      },
      { timeoutMs: 30_000, intervalMs: 100, what: `a plan for ${kind} that nothing blocks` },
    );
    // Who made a plan may not approve it.
    if (plan.needsApproval)
      await this.clients.jobs.approvePlan({ plan: plan.planId, reason }, { token: await userToken(this.gateway, 'ben') });
    const request = { kind, planDigest: plan.planId, reason, idempotencyKey: randomUUID(), onConflict: 'queue' };
    // The first step begins with the start: who is killed there does not answer, and by the key one learns of the job that was made.
    const { jobId } = await eventually(() => this.clients.jobs.startJob(request), {
      timeoutMs: 60_000,
      intervalMs: 100,
      what: `${kind} to start`,
    });
    return jobId;
  }

  async cancel(jobId: string): Promise<void> {
    await this.clients.jobs.cancelJob({ jobId, reason });
  }

  async retry(jobId: string): Promise<void> {
    await this.clients.jobs.retryJob({ jobId, reason });
  }

  async ended(jobId: string): Promise<EndedJob[]> {
    await this.bench.ann.ended(jobId, 120_000);
    return this.jobsDb.query<EndedJob>(
      `select job_id as "jobId", kind, params, status from job where job_id = $1 or parent_id = $1 order by seq`,
      [jobId],
    );
  }

  async recovered(pid: number): Promise<void> {
    await eventually(() => Object.values(this.bench.stack.pids()).every((other) => other !== pid), { what: 'a killed process to be gone' });
    await this.bench.settled();
  }

  after(kind: string, params: Params, facts: Facts): Facts {
    return sampleOf(kind).after(params as never, facts);
  }

  stays(kind: string): readonly string[] {
    return sampleOf(kind).stays ?? [];
  }

  overlooks(kind: string, fact: string): boolean {
    return sampleOf(kind).revises === true && fact.endsWith(' revision');
  }

  async effects({ jobId, kind }: EndedJob, before: Facts): Promise<Effect[]> {
    return (await this.bench.effects(`${jobId}:`)).map(({ shard, tenant_id: tenant, op, record, key }) => {
      const [service = '', shardId] = shard.split('/');
      const where = before[`placed ${tenant}/${service}`] === shardId ? 'where the tenant was' : 'elsewhere';
      return {
        what: `${kind} ${key.slice(jobId.length + 1)}: ${op} ${service} ${where}, ${record}`,
        once: `${op} ${tenant} on ${shard} for ${key}`,
      };
    });
  }

  /** What was done on shards in the name of no job. */
  async strayEffects(): Promise<string[]> {
    const jobs = await this.jobsDb.query<{ job_id: string }>('select job_id from job');
    const known = new Set(jobs.map(({ job_id: jobId }) => jobId));
    const effects = await this.bench.effects();
    return effects.filter(({ key }) => !known.has(key.split(':')[0] ?? '')).map((effect) => JSON.stringify(effect));
  }

  async history(jobId: string): Promise<string[]> {
    const events = await readLog(this.jobsDb, { after: 0, limit: 1_000, aggregateType: 'job', aggregateId: jobId });
    return events.map(({ type, payload }) => (typeof payload['step'] === 'string' ? `${type}:${payload['step']}` : type));
  }

  async facts(): Promise<Facts> {
    const parts = await Promise.all([this.placed(), this.configured(), this.served(), this.applied(), this.held()]);
    return Object.fromEntries([...parts.flat(), ...this.publishedFacts()]);
  }

  /** Placement's tables. */
  private async placed(): Promise<[string, string][]> {
    const assignments = await this.placementDb.query<{ name: string; shard_id: string }>(
      `select tenant_id || '/' || kind as name, shard_id from assignment`,
    );
    const shards = await this.placementDb.query<{ name: string; is: string }>(
      `select kind || '/' || shard_id as name, state || ' ' || weight || ' ' || labels::text || ' ' || endpoints::text as is from shard where state <> 'removed'`,
    );
    const [meta] = await this.placementDb.query<{ version: string }>(`select epoch || '.' || revision as version from meta`);
    return [
      ...assignments.map(({ name, shard_id: shard }): [string, string] => [`placed ${name}`, shard]),
      ...shards.map(({ name, is }): [string, string] => [`shard ${name}`, is]),
      ['placement revision', meta?.version ?? ''],
    ];
  }

  /** What is in force of each document, by its content: what was taken back is written once more. */
  private async configured(): Promise<[string, string][]> {
    const documents = await this.placementDb.query<{ path: string; sha256: string; candidate: number | null }>(
      `select domain || '/' || scope || '/' || name as path, sha256, candidate_revision as candidate
       from config_document d join config_revision r using (domain, scope, name) where r.revision = d.revision`,
    );
    return documents.flatMap(({ path, sha256, candidate }): [string, string][] => [
      [`config ${path}`, sha256],
      ...(candidate === null ? [] : [[`staged ${path}`, String(candidate)] as [string, string]]),
    ]);
  }

  /** What stands in KV. */
  private publishedFacts(): [string, string][] {
    const snapshot = this.published.watch.current();
    if (snapshot === undefined) return [];
    return [
      ...placedKinds.flatMap((kind) =>
        [...snapshot.assignments(kind)].map(([tenant, shard]): [string, string] => [`published ${tenant}/${kind}`, shard]),
      ),
      ...snapshot.shards.map((shard): [string, string] => [`published shard ${shard.kind}/${shard.shardId}`, JSON.stringify(shard)]),
      ['published revision', versionText(snapshot)],
    ];
  }

  /** Each tenant's state on each shard. To have moved away and never to have been there is the same: the shard has nothing of it. */
  private async served(): Promise<[string, string][]> {
    const shards = this.members.filter(({ kind }) => kind !== 'gateway');
    const states = await Promise.all(
      shards.flatMap(({ kind, shard_id: shard, url }) =>
        this.tenants.map(async (tenant): Promise<[string, string]> => {
          const { body } = await send<{ state: string }>(`${url}/admin/tenants/${tenant}`);
          return [`state ${kind}/${shard}/${tenant}`, body.state];
        }),
      ),
    );
    return states.filter(([, state]) => state !== 'absent' && state !== 'moved');
  }

  /** The placement that each member goes by, and the configuration. */
  private async applied(): Promise<[string, string][]> {
    const applied = await Promise.all(
      this.members.map(async ({ kind, shard_id: shard, url }): Promise<[string, string][]> => {
        const { body } = await send<{ epoch: number; revision: number; config?: Record<string, { sha256: string }> }>(`${url}/admin/state`);
        return [
          [`applied ${kind}/${shard} revision`, versionText(body)],
          ...Object.entries(body.config ?? {}).map(([path, { sha256 }]): [string, string] => [`goes by ${kind}/${shard} ${path}`, sha256]),
        ];
      }),
    );
    return applied.flat();
  }

  /** Resources that a job holds, and jobs that have not ended. */
  private async held(): Promise<[string, string][]> {
    const locks = await this.jobsDb.query<{ name: string; job_id: string }>(`select resource as name, job_id from lock`);
    const open = await this.jobsDb.query<{ job_id: string; status: string }>(
      `select job_id, status from job where status not in ('succeeded', 'failed', 'cancelled', 'needs_attention')`,
    );
    return [
      ...locks.map(({ name, job_id: jobId }): [string, string] => [`lock ${name}`, jobId]),
      ...open.map(({ job_id: jobId, status }): [string, string] => [`open ${jobId}`, status]),
    ];
  }
}

const versionText = ({ epoch, revision }: { epoch: number; revision: number }) => `${String(epoch)}.${String(revision)}`;

/** What the gateway would send for an administrator. */
function userToken(gateway: TokenSigner, name: string): Promise<string> {
  return gateway.signUser({ userId: `usr_${name}`, email: `${name}@example.com`, roles: ['admin'] }, 300);
}
