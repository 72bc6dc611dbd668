/** A stack whose parts are taken away in the middle of migrations, its load, and the exact account of both. */
import { expect } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, eventuallyHolds, failpointBoard, testFolder, type FailpointBoard } from '@fairlead/testing';
import { Operator, send, type Job, type Report } from './operator.js';

export interface Version {
  epoch: number;
  revision: number;
}

/** The steps of a migration, in order. */
export const migrationSteps = [
  'preflight',
  'drain',
  'wait-drained',
  'hand-over',
  'verify-copy',
  'update-placement',
  'wait-gateways',
  'resume',
  'verify',
  'drop-sealed-copy',
] as const;
export type MigrationStep = (typeof migrationSteps)[number];
/** Before a run of a step is written to begin, and after its effect, before its outcome is written. */
export type StepPlace = 'before_attempt' | 'after_effect';

/** A job that is to stand still. */
export interface Pause {
  /** Resolves when it does. */
  reached(): Promise<unknown>;
  /** Lets it go on, and has the next one stand still that comes there. */
  next(): void;
  /** Lets it go on. */
  release(): void;
}

export class Disturbed {
  private turn = 0;

  private constructor(
    readonly stack: Stack,
    readonly ann: Operator,
    private readonly tenants: readonly string[],
    private readonly board: FailpointBoard,
    private readonly urls: ReadonlyMap<string, string>,
  ) {}

  /** Boots a stack of separate processes with servers of its own, under the fleet's load. */
  static async start(env: Record<string, string> = {}): Promise<Disturbed> {
    const board = failpointBoard(testFolder('failpoints'));
    const stack = await startStack({
      stateDir: testFolder('stack'),
      port: 0,
      separate: true,
      sim: true,
      log: () => undefined,
      // A NATS server that others use can't be taken away.
      env: { NATS_URL: '', FLEET_INTERVAL_MS: '1000', ...env },
      failpoints: board.folder,
      restartDelayMs: 200,
    });
    const ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
    const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200');
    const topology = await send<{ shards: { kind: string; shard_id: string; endpoints: { url: string }[] }[] }>(
      `${stack.simUrl}/sim/topology`,
    );
    const urls = new Map(topology.body.shards.map((shard) => [`${shard.kind}/${shard.shard_id}`, shard.endpoints[0]?.url ?? '']));
    return new Disturbed(
      stack,
      ann,
      body.items.map((tenant) => tenant.tenant_id),
      board,
      urls,
    );
  }

  /** The next tenant of the row. */
  nextTenant(): string {
    return this.tenants[this.turn++ % this.tenants.length] ?? '';
  }

  pauseAt(step: MigrationStep, place: StepPlace = 'before_attempt'): Pause {
    return this.pauseAtPoint(`job.tenant-migrate.${step}.${place}`);
  }

  pauseAtPoint(name: string): Pause {
    this.board.set(name, 'pause');
    return {
      reached: () => this.board.hit(name),
      next: () => {
        this.board.set(name, 'pause');
      },
      release: () => {
        this.board.release(name);
      },
    };
  }

  /** Lets time pass by the fleet's clock, while the load goes on. */
  async fleetServesFor(durationMs: number): Promise<void> {
    const until = (await this.ann.report()).as_of_ms + durationMs;
    await eventually(async () => (await this.ann.report()).as_of_ms >= until, {
      timeoutMs: durationMs + 60_000,
      intervalMs: 250,
      what: `${String(durationMs)} ms to pass for the fleet`,
    });
  }

  /** The placement that each gateway routes by. */
  async applied(): Promise<Version[]> {
    const gateways = [...this.urls].filter(([name]) => name.startsWith('gateway/')).map(([, url]) => url);
    return Promise.all(gateways.map(async (url) => (await send<Record<string, unknown> & Version>(`${url}/admin/state`)).body));
  }

  /** A tenant's state on a shard, as the shard itself says. */
  async stateOn(kind: string, shardId: string, tenant: string): Promise<string> {
    const { body } = await send<{ state: string }>(`${this.urls.get(`${kind}/${shardId}`) ?? ''}/admin/tenants/${tenant}`);
    return body.state;
  }

  /** The placement that is committed. */
  async committed(): Promise<Version> {
    const { body } = await this.ann.get<Version & Record<string, unknown>>('/admin/v1/placement');
    return { epoch: body.epoch, revision: body.revision };
  }

  /** Waits until every gateway routes by what is committed, in this epoch at least. */
  async gatewaysFollow(epochFrom = 0): Promise<Version> {
    return eventually(
      async () => {
        const committed = await this.committed();
        expect(committed.epoch).toBeGreaterThanOrEqual(epochFrom);
        for (const { epoch, revision } of await this.applied()) expect({ epoch, revision }).toEqual(committed);
        return committed;
      },
      { timeoutMs: 60_000, intervalMs: 100, what: 'the gateways to follow the placement' },
    );
  }

  /** Waits until a tenant has had commands applied beyond what it has now. */
  async served(tenant: string): Promise<void> {
    const applied = async () => (await this.ann.report()).tenants[tenant]?.applied ?? 0;
    const before = await applied();
    await eventuallyHolds(
      async () => {
        expect(await applied()).toBeGreaterThan(before + 5);
      },
      { timeoutMs: 60_000, intervalMs: 100, what: `${tenant} to be served` },
    );
  }

  /** Asserts that no command was ever lost, done twice or by a shard that did not own the tenant; answers the report. */
  async exact(): Promise<Report> {
    const report = await this.ann.reportAfter(200);
    const { lost, doubled, wrong_owner } = report;
    expect({ lost, doubled, wrong_owner }).toEqual({ lost: 0, doubled: 0, wrong_owner: 0 });
    return report;
  }

  /** Waits until the trail, which reads the stream that is filled from the log, has come to the end of a job. */
  async audited(job: Job): Promise<void> {
    await eventuallyHolds(
      async () => {
        const { body } = await this.ann.get<{ items: { action: string }[] }>(
          `/admin/v1/audit?correlation_id=${job.correlation_id}&limit=200`,
        );
        expect(body.items.map((row) => row.action)).toContain(`job.job_${job.status}`);
      },
      { timeoutMs: 60_000, intervalMs: 200, what: 'the trail to reach the end of the job' },
    );
  }
}
