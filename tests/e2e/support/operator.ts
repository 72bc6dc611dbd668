/** An operator at the HTTP API of a whole stack, and an observer of its simulated fleet. */
import { randomUUID } from 'node:crypto';
import { eventually, eventuallyHolds } from '@fairlead/testing';

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  body: Body;
  headers: Headers;
}

export interface Plan {
  plan_id: string;
  digest: string;
  actions: { name: string; kind: string; from_shard_id: string; to_shard_id: string }[];
  checks: { name: string; verdict: string; value: string; limit: string; message: string }[];
  inputs: { resource: string; revision: number }[];
}

export interface Job {
  job_id: string;
  kind: string;
  status: string;
  params: Record<string, unknown>;
  reason: string;
  principal: string;
  steps: {
    name: string;
    status: string;
    attempts: number;
    started_at: string;
    finished_at: string;
    output: Record<string, unknown> | null;
  }[];
  error: { code: string; message: string; step: string; attempt?: number } | null;
  blocked_by: string | null;
  correlation_id: string;
  parent_id: string | null;
  paused_at: string | null;
  paused_by: string | null;
}

export interface Tally {
  sent: number;
  applied: number;
  lost: number;
  doubled: number;
  wrong_owner: number;
  in_flight: number;
  failed: number;
  retried: number;
  longest_pause_ms: number;
}
/** The checker's account; `drains` tells of pauses that a drain began. */
export type Report = Tally & { as_of_ms: number; drains: { worst_pause_beyond_drain_ms: number }; tenants: Record<string, Tally> };

type Json = Record<string, unknown>;

interface Account {
  email: string;
  password: string;
}

export class Operator {
  private constructor(
    readonly url: string,
    readonly simUrl: string,
    private readonly account: Account,
    private token: string,
  ) {}

  static async login(url: string, simUrl: string, account: Account): Promise<Operator> {
    const answer = await logIn(url, account);
    if (answer.status !== 200) throw new Error(`login was answered with ${String(answer.status)}`);
    return new Operator(url, simUrl, account, answer.body.access_token);
  }

  get<Body = Json>(path: string): Promise<Answer<Body>> {
    return this.send<Body>(path, {});
  }

  /** With an idempotency key of its own, unless one is given. */
  post<Body = Json>(path: string, body: Json, headers: Record<string, string> = {}): Promise<Answer<Body>> {
    return this.send<Body>(path, { method: 'POST', body, headers: { 'idempotency-key': randomUUID(), ...headers } });
  }

  /** Whatever is there. */
  put<Body = Json>(path: string, body: Json): Promise<Answer<Body>> {
    return this.send<Body>(path, { method: 'PUT', body, headers: { 'if-match': '*' } });
  }

  /** Whatever is there. */
  patch<Body = Json>(path: string, body: Json): Promise<Answer<Body>> {
    return this.send<Body>(path, { method: 'PATCH', body, headers: { 'if-match': '*' } });
  }

  /** Whatever is there. */
  delete<Body = Json>(path: string, body: Json): Promise<Answer<Body>> {
    return this.send<Body>(path, { method: 'DELETE', body, headers: { 'if-match': '*' } });
  }

  /** Who is logged in. */
  async me(): Promise<{ principal: string }> {
    return (await this.get<{ principal: string }>('/admin/v1/auth/me')).body;
  }

  /** Where a tenant is, per kind. */
  async placementOf(tenant: string): Promise<Record<string, string>> {
    const { body } = await this.get<Record<string, Record<string, { shard: string }>>>('/admin/v1/placement');
    return Object.fromEntries(
      ['aggregate', 'projection', 'runner'].map((kind) => [kind, body[`${kind}_placement`]?.[tenant]?.shard ?? '']),
    );
  }

  /** Another shard than the tenant's own, per kind. */
  async elsewhere(tenant: string): Promise<Record<string, string>> {
    const [placed, { body }] = await Promise.all([
      this.placementOf(tenant),
      this.get<{ shards: Record<string, Record<string, unknown>> }>('/admin/v1/placement'),
    ]);
    return Object.fromEntries(
      Object.entries(placed).map(([kind, shard]) => [kind, Object.keys(body.shards[kind] ?? {}).find((other) => other !== shard) ?? '']),
    );
  }

  plan(tenant: string, to: Record<string, string> | string, extra: Json = {}, headers: Record<string, string> = {}): Promise<Answer<Plan>> {
    return this.post<Plan>('/admin/v1/plan/tenant-migrate', { tenant, to, reason: 'make room', ...extra }, headers);
  }

  start(digest: string, extra: Json = {}, headers: Record<string, string> = {}): Promise<Answer<{ job_id: string }>> {
    return this.post('/admin/v1/jobs/tenant-migrate', { plan_digest: digest, reason: 'make room', ...extra }, headers);
  }

  /** Plans and starts; answers the job's id. */
  async migrate(tenant: string, to: Record<string, string>, headers: Record<string, string> = {}): Promise<string> {
    const plan = await this.plan(tenant, to, {}, headers);
    if (plan.status !== 201) throw new Error(`the plan was answered with ${JSON.stringify(plan.body)}`);
    const job = await this.start(plan.body.digest, {}, headers);
    if (job.status !== 202) throw new Error(`the job was answered with ${JSON.stringify(job.body)}`);
    return job.body.job_id;
  }

  /** The same as soon as nothing blocks it, whoever does not answer meanwhile. */
  migrateSoon(tenant: string, to: Record<string, string>): Promise<string> {
    return eventually(() => this.begin(tenant, to), {
      timeoutMs: 60_000,
      intervalMs: 100,
      what: `a migration of ${tenant} to be started`,
    });
  }

  private async begin(tenant: string, to: Record<string, string>): Promise<string> {
    const { status, body } = await this.plan(tenant, to);
    const blocking = status === 201 ? body.checks.filter(({ verdict }) => verdict === 'block') : [body];
    if (blocking.length > 0) throw new Error(JSON.stringify(blocking));
    // Under one key: when the answer is lost, the repeat finds the same job.
    const headers = { 'idempotency-key': randomUUID() };
    const started = await eventually(
      async () => {
        const answer = await this.start(body.digest, {}, headers);
        if (answer.status >= 500) throw new Error(JSON.stringify(answer.body));
        return answer;
      },
      { timeoutMs: 20_000, intervalMs: 100, what: 'the start of a migration to be answered' },
    );
    if (started.status !== 202) throw new Error(JSON.stringify(started.body));
    return started.body.job_id;
  }

  /** Has a job that needs attention tried again. */
  retry(jobId: string, reason = 'the cause is cured'): Promise<Answer<Job>> {
    return this.post<Job>(`/admin/v1/jobs/${jobId}/retry`, { reason });
  }

  async job(jobId: string): Promise<Job> {
    return (await this.get<Job>(`/admin/v1/jobs/${jobId}`)).body;
  }

  /** Waits until a job has ended. */
  async ended(jobId: string, timeoutMs = 60_000): Promise<Job> {
    return eventually(
      async () => {
        const job = await this.job(jobId);
        if (!['succeeded', 'failed', 'cancelled', 'needs_attention'].includes(job.status))
          throw new Error(`the job is ${job.status}: ${JSON.stringify(job.steps)}`);
        return job;
      },
      { timeoutMs, what: `job ${jobId} to end` },
    );
  }

  /** Waits until one of a job's steps has a status. */
  async stepReaches(jobId: string, name: string, status: string): Promise<void> {
    await eventuallyHolds(
      async () => {
        const step = (await this.job(jobId)).steps.find((candidate) => candidate.name === name);
        if (step?.status !== status) throw new Error(`step ${name} is ${step?.status ?? 'missing'}`);
      },
      { timeoutMs: 20_000, intervalMs: 20, what: `step ${name} to be ${status}` },
    );
  }

  /** The report, its pauses from a time on. */
  async report(sinceMs = 0): Promise<Report> {
    return (await send<Report>(`${this.simUrl}/sim/report?since=${String(sinceMs)}`)).body;
  }

  /** Turns a knob of a simulated shard. */
  async turn(kind: string, shard: string, knob: Json): Promise<void> {
    const answer = await send(`${this.simUrl}/sim/shards/${kind}/${shard}`, { method: 'POST', body: knob });
    if (answer.status >= 300) throw new Error(`the knob was answered with ${JSON.stringify(answer.body)}`);
  }

  /** Waits until the fleet has applied this many more commands, then answers the checker's report. */
  async reportAfter(more: number): Promise<Report> {
    const before = await this.report();
    return eventually(
      async () => {
        const report = await this.report();
        if (report.applied < before.applied + more) throw new Error(`${String(report.applied - before.applied)} commands were applied`);
        return report;
      },
      { timeoutMs: 30_000, what: `${String(more)} more commands to be applied` },
    );
  }

  /** As whoever is logged in; a run may outlast an access token. */
  private async send<Body>(path: string, options: SendOptions): Promise<Answer<Body>> {
    const attempt = () =>
      send<Body>(`${this.url}${path}`, { ...options, headers: { authorization: `Bearer ${this.token}`, ...options.headers } });
    const answer = await attempt();
    if (answer.status !== 401) return answer;
    const again = await logIn(this.url, this.account);
    if (again.status !== 200) return answer;
    this.token = again.body.access_token;
    return attempt();
  }
}

function logIn(url: string, account: Account): Promise<Answer<{ access_token: string }>> {
  return send(`${url}/admin/v1/auth/login`, { method: 'POST', body: { ...account } });
}

interface SendOptions {
  method?: string;
  body?: Json | string;
  headers?: Record<string, string>;
}

/** Sends JSON and reads JSON. */
export async function send<Body = Json>(url: string, options: SendOptions = {}): Promise<Answer<Body>> {
  const response = await fetch(url, {
    method: options.method ?? 'GET',
    headers: { ...(options.body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
    ...(options.body === undefined ? {} : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Body };
}
