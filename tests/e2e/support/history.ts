/** A life of a whole stack in which as many sorts of events come about as a few seconds allow. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, failpointBoard, testFolder, type FailpointBoard } from '@fairlead/testing';
import { configHappens } from './history-config.js';
import { dataReadHappens } from './history-data.js';
import { definitionsHappen } from './history-definitions.js';
import { fleetHappens } from './history-fleet.js';
import { rolesHappen, serviceAccountsHappen, secondFactorHappens, signingKeysHappen } from './history-identity.js';
import { decisionsHappen, schedulesHappen, type JobStage } from './history-jobs.js';
import { orgsHappen } from './history-orgs.js';
import { webhooksHappen } from './history-webhooks.js';
import { Operator, send, type Answer } from './operator.js';
import { openRecords, type Records } from './records.js';
import { messagingOf } from './world-state.js';

/** Whoever appears in a history lives here. */
const admin = 'ann@example.test';
const password = `history-${randomUUID()}`;

export class History {
  private turn = 0;
  /** Session secrets and tokens that were handed out. */
  private readonly given: string[] = [];

  private constructor(
    readonly stack: Stack,
    private readonly ann: Operator,
    private readonly records: Records,
    private readonly board: FailpointBoard,
    private readonly tenants: readonly string[],
  ) {}

  /** Boots a stack of separate processes, with servers of its own that can be taken away. */
  static async start(): Promise<History> {
    const board = failpointBoard(testFolder('failpoints'));
    const stack = await startStack({
      stateDir: testFolder('stack'),
      port: 0,
      separate: true,
      sim: true,
      log: () => undefined,
      env: {
        NATS_URL: '',
        FIRST_ADMIN_EMAIL: admin,
        JOB_LEASE_MS: '2000',
        MIGRATE_FORWARD_TIMEOUT_MS: '3000',
        FLEET_INTERVAL_MS: '1000',
        FLEET_CALL_TIMEOUT_MS: '2000',
        SIGNING_KEY_LEAD_SECONDS: '5',
        SIM_SHARDS: '3',
      },
      failpoints: board.folder,
      restartDelayMs: 50,
    });
    const ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
    const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200');
    const tenants = body.items.map((tenant) => tenant.tenant_id);
    return new History(stack, ann, await openRecords(stack.stateDir), board, tenants);
  }

  async stop(): Promise<void> {
    this.board.clear();
    await this.records.close();
    await this.stack.stop();
  }

  /** All that can be told at the same time, then what takes servers and services away. */
  async happen(): Promise<void> {
    // A shard that is dead in one of these would be in the way of another.
    await Promise.all([
      this.people(),
      signingKeysHappen((path, body) => this.ann.post(path, body)),
      this.deadLetters(),
      this.bearer().then((bearer) => webhooksHappen(this.stack.url, bearer, this.given)),
      schedulesHappen(this.jobs()),
      this.projections(),
      this.exported(),
      definitionsHappen((path, body, headers) => this.ann.post(path, body, headers)),
      dataReadHappens((path) => this.ann.get(path)),
      configHappens(this.ann),
      this.attention().then(() => Promise.all([this.places(), this.moves()])),
    ]);
    await decisionsHappen(this.jobs());
    const { runner: pinnedTo } = await this.ann.placementOf('history');
    await fleetHappens(this.jobs(), pinnedTo === 'runner-3' ? 'runner-2' : 'runner-3');
    await this.refusedCommand();
    await this.takeOver();
    await this.lostStore();
  }

  /** The log's rows, in order. */
  async rows(): Promise<Record<string, unknown>[]> {
    return (await this.records.events()).map((event) => ({
      position: event.position,
      aggregate_type: event.aggregateType,
      aggregate_id: event.aggregateId,
      version: event.version,
      type: event.type,
      schema_version: event.schemaVersion,
      payload: event.payload,
      meta: event.meta,
      recorded_at: event.recordedAt.toISOString(),
    }));
  }

  /** What no event may hold: every secret of this stack. */
  secrets(): string[] {
    const folder = join(this.stack.stateDir, 'secrets');
    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [...files, ...this.given, password, this.stack.firstAdmin().password].filter((secret) => secret !== '');
  }

  private async people(): Promise<void> {
    const [email, next] = ['bob@example.test', `${password}-next`];
    const created = await this.ann.post<{ user_id: string }>('/admin/v1/users', { email, password, roles: ['operator'] });
    const user = `/admin/v1/users/${created.body.user_id}`;
    await this.login(email, 'wrong');
    await this.login('nobody@example.test', password);
    const [bob, other, third] = [await this.login(email), await this.login(email), await this.login(email)];
    await this.as(third, 'POST', '/admin/v1/auth/logout');
    const { body } = await this.as<{ items: { session_id: string; current: boolean }[] }>(bob, 'GET', '/admin/v1/auth/sessions');
    const revoked = body.items.find(({ session_id: id }) => other.cookie.includes(id))?.session_id ?? '';
    await this.as(bob, 'DELETE', `/admin/v1/auth/sessions/${revoked}`);
    await this.as(other, 'POST', '/admin/v1/auth/refresh');
    await this.login(email);
    await this.as(bob, 'POST', '/admin/v1/auth/password', { current_password: password, new_password: next });
    const makeToken = (body: Record<string, unknown>) =>
      this.as<{ token: string; token_id: string }>(bob, 'POST', '/admin/v1/api-tokens', { roles: ['viewer'], ...body });
    const [token, kept] = [await makeToken({ name: 'nightly' }), await makeToken({ name: 'acme', scope: { tenants: ['acme'] } })];
    const rotated = await this.as<{ token: string }>(bob, 'POST', `/admin/v1/api-tokens/${token.body.token_id}/rotate`);
    this.given.push(token.body.token, kept.body.token, rotated.body.token, next);
    await this.as(bob, 'DELETE', `/admin/v1/api-tokens/${token.body.token_id}`);
    await rolesHappen(this.ann, created.body.user_id);
    await orgsHappen(this.ann, created.body.user_id, (...secrets) => this.given.push(...secrets));
    await serviceAccountsHappen(this.ann, (...secrets) => this.given.push(...secrets));
    await this.patch(user, { roles: ['viewer'] });
    await this.patch(user, { disabled: true });
    await this.login(email, next);
    await secondFactorHappens({
      password,
      newUser: async (newcomer) => {
        const account = { email: newcomer, password, roles: ['viewer'] };
        return (await this.ann.post<{ user_id: string }>('/admin/v1/users', account)).body.user_id;
      },
      login: (who, code) => this.login(who, password, code),
      as: (held, path, body) => this.as(held, 'POST', path, body),
      asAdmin: (path, body) => this.ann.post(path, body),
      keepSecret: (...secrets) => this.given.push(...secrets),
    });
  }

  private async login(email: string, given = password, code?: string): Promise<{ cookie: string; token: string }> {
    const answer = await send<{ access_token?: string }>(`${this.stack.url}/admin/v1/auth/login`, {
      method: 'POST',
      body: { email, password: given, code },
    });
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const held = { cookie, token: answer.body.access_token ?? '' };
    if (answer.status === 200) this.given.push(held.token, cookie.split('.')[1] ?? '');
    return held;
  }

  private as<Body = Record<string, unknown>>(
    { cookie, token }: { cookie: string; token: string },
    method: string,
    path: string,
    body?: Record<string, unknown>,
  ): Promise<Answer<Body>> {
    const headers = { cookie, authorization: `Bearer ${token}`, 'idempotency-key': randomUUID(), 'if-match': '*' };
    return send<Body>(`${this.stack.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  }

  private async patch(path: string, body: Record<string, unknown>): Promise<void> {
    const { token } = await this.login(admin, this.stack.firstAdmin().password);
    await this.as({ cookie: '', token }, 'PATCH', path, body);
  }

  /** A consumer that can do nothing with what it gets. */
  private async deadLetters(): Promise<void> {
    const name = 'history';
    const messaging = await messagingOf(this.stack);
    const consumer = messaging.consume({
      name,
      stream: 'evt',
      filters: [messaging.topology.subjects.eventsOf('tenant')],
      maxDeliver: 1,
      handler: () => Promise.reject(new Error('it can do nothing with this')),
    });
    try {
      const [first, second] = await eventually(
        async () => {
          const letters = await messaging.deadLetters.list({ consumer: name });
          return letters.length < 2 ? undefined : letters;
        },
        { timeoutMs: 30_000, what: 'two dead letters' },
      );
      const settle = (sequence: number | undefined, way: string) =>
        this.ann.post(`/admin/v1/dead-letters/${String(sequence)}/${way}`, { reason: 'look at it once more' });
      await settle(first?.sequence, 'replay');
      await settle(second?.sequence, 'discard');
      await consumer.stop();
      const manager = await messaging.manager();
      for (const stream of [messaging.topology.streams.evt.name, messaging.topology.streams.retry.name])
        await manager.consumers.delete(stream, name).catch(() => undefined);
      const [left] = await messaging.deadLetters.list({ consumer: name });
      await settle(left?.sequence, 'replay');
    } finally {
      await consumer.stop();
      await messaging.close();
    }
  }

  /** What operators decide about a projection; while it is paused a rebuild comes to no end, so that it can be cancelled; the last one is swapped in. */
  private async projections(): Promise<void> {
    for (const decision of ['pause', 'rebuild', 'cancel-rebuild', 'resume', 'rebuild']) {
      const path = `/admin/v1/projections/aggregate_summary/${decision}`;
      const { status, body } = await this.ann.post(path, { reason: 'part of a history' });
      if (status >= 300) throw new Error(`${decision}: ${JSON.stringify(body)}`);
    }
    await this.told('swapped');
  }

  /** Somebody is handed what has happened so far. */
  private async exported(): Promise<void> {
    const { token } = await this.login(admin, this.stack.firstAdmin().password);
    const answer = await fetch(`${this.stack.url}/admin/v1/audit/export`, { headers: { authorization: `Bearer ${token}` } });
    const lines = await answer.text();
    if (answer.status !== 200 || !lines.includes('"end":true')) throw new Error(`the export was answered with ${String(answer.status)}`);
  }

  private jobs(): JobStage {
    return {
      stateDir: this.stack.stateDir,
      ann: this.ann,
      second: async () => {
        const account = { email: 'carol@example.test', password };
        await this.ann.post('/admin/v1/users', { ...account, roles: ['operator'] });
        return Operator.login(this.stack.url, this.stack.simUrl, account);
      },
      begin: (kind, params) => this.begin(kind, params),
      ended: (jobId, status) => this.ended(jobId, status),
      pausedAt: (step, begin, kind) => this.pausedAt(step, begin, kind),
      told: (...types) => this.told(...types),
    };
  }

  /** Waits until the log has events of these types. */
  private async told(...types: string[]): Promise<void> {
    await eventually(
      async () => {
        const events = await this.records.events();
        return types.every((wanted) => events.some(({ type }) => type === wanted));
      },
      { timeoutMs: 30_000, intervalMs: 200, what: `${types.join(', ')} to be told` },
    );
  }

  /** Shards and tenants that come, change and are drained, resumed and reloaded. */
  private async places(): Promise<void> {
    const headers = await this.bearer();
    const shard = (labels: Record<string, string>) =>
      send(`${this.stack.url}/admin/v1/shards/runner/spare`, {
        method: 'PUT',
        headers,
        body: { endpoints: [{ endpoint_id: 'spare-1', url: 'http://127.0.0.1:9' }], labels, state: 'cordoned' },
      });
    for (const zone of ['east', 'west']) await shard({ zone });
    await this.ann.post('/admin/v1/tenants', { tenant_id: 'history', name: 'History' }, { 'idempotency-key': randomUUID() });
    await send(`${this.stack.url}/admin/v1/placement/tenants/history`, { method: 'PUT', headers, body: { load: 2.5, pinned: ['runner'] } });
    const tenant = this.next();
    await this.job('tenant-drain', { tenant });
    await this.job('tenant-resume', { tenant });
    await this.job('reload', { kind: 'runner', shard: (await this.ann.placementOf(tenant))['runner'] ?? '' });
  }

  private async bearer(): Promise<Record<string, string>> {
    const { token } = await this.login(admin, this.stack.firstAdmin().password);
    return { authorization: `Bearer ${token}` };
  }

  /** Plans and runs a job to its end; answers its status. */
  private async job(kind: string, params: Record<string, unknown>): Promise<string> {
    const jobId = await this.begin(kind, params);
    return (await this.ann.ended(jobId)).status;
  }

  private async begin(kind: string, params: Record<string, unknown>): Promise<string> {
    const reason = 'part of a history';
    const plan = await this.ann.post<{ digest: string }>(`/admin/v1/plan/${kind}`, { ...params, reason });
    const headers = { 'idempotency-key': randomUUID() };
    const started = await this.ann.post<{ job_id: string }>(`/admin/v1/jobs/${kind}`, { plan_digest: plan.body.digest, reason }, headers);
    if (started.status !== 202) throw new Error(`${kind}: ${JSON.stringify([plan.body, started.body])}`);
    return started.body.job_id;
  }

  /** A migration that succeeds, one that waits behind it and finds its plan stale, one cancelled in the queue, one while it runs. */
  private async moves(): Promise<void> {
    const tenant = this.next();
    const [from, to] = [await this.ann.placementOf(tenant), await this.ann.elsewhere(tenant)];
    const first = await this.pausedAt('drain', () => this.ann.migrate(tenant, to));
    const [stale, unwanted] = [await this.ann.migrate(tenant, to), await this.begin('tenant-drain', { tenant })];
    await this.cancel(unwanted);
    first.release();
    await this.ended(first.jobId, 'succeeded');
    await this.ended(stale, 'failed');
    const back = await this.pausedAt('wait-drained', () => this.ann.migrate(tenant, from));
    await this.cancel(back.jobId);
    back.release();
    await this.ended(back.jobId, 'cancelled');
  }

  /** A job that stands still before a step of its own or of one that it begins; `taker` is the process that runs that. */
  private async pausedAt(step: string, begin: () => Promise<string>, kind = 'tenant-migrate') {
    const at = `job.${kind}.${step}.before_attempt`;
    this.board.set(at, 'pause');
    const jobId = await begin();
    const taker = await this.board.hit(at);
    const release = () => {
      this.board.release(at);
    };
    return { jobId, taker, release };
  }

  private cancel(jobId: string): Promise<unknown> {
    return this.ann.post(`/admin/v1/jobs/${jobId}/cancel`, { reason: 'not today' });
  }

  private async ended(jobId: string, status: string): Promise<void> {
    let job = await this.ann.ended(jobId);
    // The limits are short for the one that is to come up against them; a machine that is busy may bring others there.
    for (let tries = 0; status === 'succeeded' && job.status === 'needs_attention' && tries < 5; tries += 1) {
      await this.ann.retry(jobId);
      job = await this.ann.ended(jobId);
    }
    if (job.status !== status) throw new Error(`job ${jobId} ended ${job.status}, not ${status}: ${JSON.stringify(job.error)}`);
  }

  /** The target dies after the point of no return, for longer than the job waits; then the job is tried again. */
  private async attention(): Promise<void> {
    const tenant = this.next();
    const to = await this.ann.elsewhere(tenant);
    const { jobId, release } = await this.pausedAt('resume', () => this.ann.migrate(tenant, to));
    await this.ann.turn('projection', to['projection'] ?? '', { down: true });
    release();
    await this.ended(jobId, 'needs_attention');
    await this.ann.turn('projection', to['projection'] ?? '', { down: false });
    const { status } = await this.ann.retry(jobId);
    if (status >= 300) throw new Error(`the retry was answered with ${String(status)}`);
    await this.ended(jobId, 'succeeded');
  }

  /** A service that has seen a higher fence refuses the command for good. */
  private async refusedCommand(): Promise<void> {
    const tenant = this.next();
    const { runner = '' } = await this.ann.placementOf(tenant);
    const topology = await send<{ shards: { kind: string; shard_id: string; endpoints: { url: string }[] }[] }>(
      `${this.stack.simUrl}/sim/topology`,
    );
    const shard = topology.body.shards.find(({ kind, shard_id: id }) => kind === 'runner' && id === runner);
    const token = readFileSync(join(this.stack.stateDir, 'secrets/fleet-token'), 'utf8').trim();
    await send(`${shard?.endpoints[0]?.url ?? ''}/admin/tenants/${tenant}/resume`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: { idempotency_key: 'from-elsewhere', fence: 1_000_000 },
    });
    const status = await this.job('tenant-drain', { tenant });
    if (status === 'succeeded') throw new Error('the drain was to be refused');
  }

  /** A replica is killed in the middle of a job, another one stops in order. */
  private async takeOver(): Promise<void> {
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const tenant = this.next();
      const to = await this.ann.elsewhere(tenant);
      const { jobId, taker, release } = await this.pausedAt('wait-drained', () => this.ann.migrate(tenant, to));
      process.kill(taker, signal);
      release();
      await eventually(() => this.stack.pids()['job-orchestrator'] !== taker, { timeoutMs: 20_000, what: 'the replica to be gone' });
      await this.ended(jobId, 'succeeded');
    }
  }

  /** NATS loses its store: placement is published anew, in a higher epoch. */
  private async lostStore(): Promise<void> {
    const hold = await this.stack.hold('nats', { wipe: true });
    await hold.release();
    await this.told('placement_epoch_raised');
  }

  private next(): string {
    const tenant = this.tenants[this.turn++];
    if (tenant === undefined) throw new Error('the fleet has no more tenants');
    return tenant;
  }
}
