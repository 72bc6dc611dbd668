import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@fairlead/telemetry';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { loadConfig } from '@fairlead/config';
import type { Findings } from '../checker/checker.js';
import { configSchema } from '../config.js';
import { PlacementBoard, placementOf, type PlacedShard } from '../placement.js';
import { createSim, type Sim, type SimOverrides } from '../sim.js';

/** A status and its JSON body. */
export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export interface Report extends Findings {
  as_of_ms: number;
}

export const fleetToken = 'fleet-token-of-the-specs';

/** For specs: a whole simulated fleet with a placement held in memory, and the steps of a hand-over by hand. */
export class Fleet {
  readonly maps: Record<PlacedKind, Map<string, string>> = { aggregate: new Map(), projection: new Map(), runner: new Map() };
  private board = new PlacementBoard();
  private revision = 0;
  private fence = 0;
  private keys = 0;
  private running: Sim | undefined;
  private shards: readonly PlacedShard[] = [];

  private constructor(
    private readonly env: Record<string, string>,
    private readonly overrides: SimOverrides,
  ) {}

  static async start(dir: string, env: Record<string, string> = {}, overrides: SimOverrides = {}): Promise<Fleet> {
    const fleet = new Fleet({ SIM_STATE_DIR: dir, FLEET_TOKEN: fleetToken, NATS_URL: 'nats://127.0.0.1:1', ...env }, overrides);
    await fleet.startAgain();
    return fleet;
  }

  /** Starts the fleet out of the state of the last run; the placement in memory goes on. */
  async startAgain(): Promise<void> {
    const logger = createLogger({ service: 'fleet-sim', level: process.env['FLEET_SPEC_LOG'] ?? 'silent' });
    this.running = await createSim(loadConfig(configSchema, this.env), { placement: () => this.board, logger, ...this.overrides });
    const { body } = await this.get(`${this.url}/sim/topology`);
    this.shards = (body['shards'] as { kind: PlacedKind; shard_id: string; endpoints: { endpoint_id: string; url: string }[] }[]).map(
      (shard) => ({
        kind: shard.kind,
        shardId: shard.shard_id,
        endpoints: shard.endpoints.map((endpoint) => ({ endpointId: endpoint.endpoint_id, url: endpoint.url })),
      }),
    );
  }

  /** As if the control plane were away at the next start of the fleet, or of a gateway. */
  forgetPlacement(): void {
    this.board = new PlacementBoard();
  }

  /** The load from the next start on. */
  setRate(ratePerS: number): void {
    this.env['SIM_RATE'] = String(ratePerS);
  }

  get url(): string {
    if (this.running === undefined) throw new Error('the fleet is not running');
    return this.running.url;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
  }

  shardUrl(kind: string, shardId: string): string {
    const url = this.shards.find((shard) => shard.kind === kind && shard.shardId === shardId)?.endpoints[0]?.url;
    if (url === undefined) throw new Error(`no shard ${kind}/${shardId}`);
    return url;
  }

  /** Places every tenant of the load, in turn over the shards of each kind. */
  placeAll(tenants: readonly string[], shardsPerKind = 2): void {
    for (const kind of placedKinds) {
      for (const [index, tenant] of tenants.entries()) this.maps[kind].set(tenant, `${kind}-${String((index % shardsPerKind) + 1)}`);
    }
    this.publish();
  }

  place(kind: PlacedKind, tenant: string, shardId: string): number {
    this.maps[kind].set(tenant, shardId);
    return this.publish();
  }

  nextFence(): number {
    return ++this.fence;
  }

  /** One administrative command; the key is new unless given. */
  async admin(kind: string, shardId: string, tenant: string, op: string, more: Record<string, unknown> = {}): Promise<Answer> {
    const key = `key-${String(++this.keys)}`;
    return this.post(`${this.shardUrl(kind, shardId)}/admin/tenants/${tenant}/${op}`, { idempotency_key: key, fence: this.fence, ...more });
  }

  async tenant(kind: string, shardId: string, tenant: string): Promise<Record<string, unknown>> {
    return (await this.get(`${this.shardUrl(kind, shardId)}/admin/tenants/${tenant}`)).body;
  }

  /** Moves a tenant of one kind as a migration does, without asking twice where all goes well. */
  async handOver(tenant: string, kind: PlacedKind, to: string): Promise<void> {
    const from = this.maps[kind].get(tenant) ?? '';
    const fence = { fence: this.nextFence() };
    const persist = (shard: string, op: string, more: Record<string, unknown> = {}) =>
      this.persist(kind, shard, tenant, op, { ...fence, ...more });
    await persist(from, 'drain');
    await until(async () => (await this.tenant(kind, from, tenant))['state'] === 'drained', 'the tenant to be drained');
    const copy = await persist(from, 'export');
    await persist(to, 'import', { data: copy['data'], sha256: copy['sha256'] });
    const revision = this.place(kind, tenant, to);
    await until(() => this.gatewaysApplied(revision), 'the gateways to apply the placement');
    await persist(to, 'resume');
    await persist(from, 'drop', { moved_revision: revision });
  }

  async gatewaysApplied(revision: number): Promise<boolean> {
    const gateways = this.shards.filter(({ kind }) => kind === 'gateway');
    const states = await Promise.all(gateways.map(({ endpoints }) => this.get(`${endpoints[0]?.url ?? ''}/admin/state`)));
    return states.every(({ body }) => (body['revision'] as number) >= revision);
  }

  async knobs(kind: string, shardId: string, knobs: Record<string, unknown>): Promise<Answer> {
    return this.post(`${this.url}/sim/shards/${kind}/${shardId}`, knobs);
  }

  async report(since?: number): Promise<Report> {
    const { body } = await this.get(`${this.url}/sim/report${since === undefined ? '' : `?since=${String(since)}`}`);
    return body as unknown as Report;
  }

  async get(url: string): Promise<Answer> {
    const response = await fetch(url);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async post(url: string, body: object, headers: Record<string, string> = { authorization: `Bearer ${fleetToken}` }): Promise<Answer> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  private publish(): number {
    this.revision += 1;
    const copy = (kind: PlacedKind) => new Map(this.maps[kind]);
    const maps = { aggregate: copy('aggregate'), projection: copy('projection'), runner: copy('runner') };
    this.board.show(placementOf({ epoch: 1, revision: this.revision, shards: this.shards, maps }));
    return this.revision;
  }

  // A command is repeated under its key until the shard answers, as a job does: shards crash in these specs.
  private async persist(
    kind: string,
    shard: string,
    tenant: string,
    op: string,
    more: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const body = { idempotency_key: `key-${String(++this.keys)}`, ...more };
    return until(async () => {
      const answer = await this.post(`${this.shardUrl(kind, shard)}/admin/tenants/${tenant}/${op}`, body).catch(() => undefined);
      if (answer !== undefined && answer.status >= 400 && answer.status < 500) throw new Error(`${op}: ${JSON.stringify(answer.body)}`);
      return answer?.status === 200 ? answer.body : undefined;
    }, op);
  }
}

async function until<T>(check: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const value = await check().catch((error: unknown) => {
      // What fetch throws when nobody listens; by name, as under Jest it is an error of another realm.
      if ((error as { name?: unknown }).name === 'TypeError') return undefined;
      throw error;
    });
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}
