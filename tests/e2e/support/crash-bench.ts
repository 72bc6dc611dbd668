/** A stack whose services can be killed and stopped at named places, and migrations in it that go on by themselves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventually, eventuallyHolds, failpointBoard, testFolder, type FailpointBoard } from '@fairlead/testing';
import { Operator, send } from './operator.js';
import { openRecords, type Records } from './records.js';

export const victims = ['job-orchestrator', 'provisioner', 'placement'] as const;
export type Victim = (typeof victims)[number];

/** A process dies at a failpoint: the one that passes it, or another while the passer stands still there. */
export interface Kill {
  victim: Victim;
  at: string;
  passer: Victim;
}

export interface Migration {
  jobId: string;
  tenant: string;
  from: Record<string, string>;
  to: Record<string, string>;
}

/** After this long without a sign of life another replica takes a job over; shorter than the default to save time. */
export const leaseMs = 2_000;

export class CrashBench {
  private turn = 0;

  private constructor(
    readonly stack: Stack,
    readonly board: FailpointBoard,
    readonly records: Records,
    readonly ann: Operator,
    private readonly tenants: readonly string[],
  ) {}

  static async start(): Promise<CrashBench> {
    const board = failpointBoard(testFolder('failpoints'));
    const stack = await startStack({
      stateDir: testFolder('stack'),
      port: 0,
      separate: true,
      sim: true,
      failpoints: board.folder,
      restartDelayMs: 50,
      env: { JOB_LEASE_MS: String(leaseMs) },
      log: () => undefined,
    });
    const operator = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
    const { body } = await operator.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200');
    const records = await openRecords(stack.stateDir);
    return new CrashBench(
      stack,
      board,
      records,
      operator,
      body.items.map((tenant) => tenant.tenant_id),
    );
  }

  async stop(): Promise<void> {
    this.board.clear();
    await this.records.close();
    await this.stack.stop();
  }

  /** Plans and starts a migration of the next tenant to its other shards. */
  async migrate(): Promise<Migration> {
    const tenant = this.tenants[this.turn++ % this.tenants.length] ?? '';
    const [from, to] = await eventually(
      async () => {
        const placed = await this.ann.placementOf(tenant);
        const target = await this.ann.elsewhere(tenant);
        return Object.values({ ...placed, ...target }).every((shard) => shard !== '') ? ([placed, target] as const) : undefined;
      },
      { timeoutMs: 30_000, what: 'placement to answer' },
    );
    return { jobId: await this.ann.migrateSoon(tenant, to), tenant, from, to };
  }

  /** Switches kills on. Do so before what is to meet them begins. */
  arm(kills: readonly Kill[]): void {
    for (const { victim, passer, at } of kills) this.board.set(at, victim === passer ? 'kill' : 'pause');
  }

  /** Waits until every kill has happened; answers the processes that died. Throws when another one than the victim was hit. */
  async killed(kills: readonly Kill[]): Promise<number[]> {
    return Promise.all(
      kills.map(async ({ victim, passer, at }) => {
        const taker = await this.board.hit(at, 60_000);
        let pid = taker;
        if (victim !== passer) {
          pid = await this.pidOf(victim);
          process.kill(pid, 'SIGKILL');
          this.board.release(at);
        }
        await eventually(() => this.stack.pids()[victim] !== pid, { what: `${victim} to be gone` });
        return pid;
      }),
    );
  }

  async pidOf(name: string): Promise<number> {
    return eventually(() => this.stack.pids()[name], { timeoutMs: 30_000, what: `${name} to run` });
  }

  /** Waits until every service is ready again. */
  async settled(): Promise<void> {
    const ports = JSON.parse(readFileSync(join(this.stack.stateDir, 'ports.json'), 'utf8')) as Record<string, number>;
    await Promise.all(
      victims.map((service) =>
        eventuallyHolds(
          async () => {
            const answer = await fetch(`http://127.0.0.1:${String(ports[`${service}.http`])}/ready`);
            const { status } = (await answer.json()) as { status: string };
            if (status !== 'ready') throw new Error(`${service} is ${status}`);
          },
          { timeoutMs: 60_000, intervalMs: 50, what: `${service} to be ready` },
        ),
      ),
    );
  }

  /** What administrative commands did, from the shards' ledgers. */
  async effects(keyPrefix = ''): Promise<Effect[]> {
    const { body } = await send<{ items: Effect[]; complete: boolean }>(`${this.stack.simUrl}/sim/effects?key_prefix=${keyPrefix}`);
    if (!body.complete) throw new Error('the ledgers no longer tell all: the run was too long for them');
    return body.items;
  }
}

export interface Effect {
  shard: string;
  tenant_id: string;
  op: string;
  key: string;
  fence: number;
  record: string;
}

const kinds = ['aggregate', 'projection', 'runner'] as const;

/** What a migration does on the shards, each once: `<shard> <operation> <record> <key>`. */
export function effectsOfMigration({ jobId, from, to }: Migration): string[] {
  return kinds.flatMap((kind) => {
    const [origin, target] = [`${kind}/${from[kind] ?? ''}`, `${kind}/${to[kind] ?? ''}`];
    return [
      `${origin} drain draining ${jobId}:drain:drain:${kind}`,
      `${origin} export release ${jobId}:hand-over:${kind}:export`,
      `${target} import imported ${jobId}:hand-over:${kind}:import`,
      `${target} resume own ${jobId}:resume:resume:${kind}`,
      `${origin} drop dropped ${jobId}:drop-sealed-copy:drop:${kind}`,
    ];
  });
}

/** The same for one that was undone after its hand-over; the last of the undos finds all done. */
export function effectsOfUndone({ jobId, from, to }: Migration): string[] {
  return kinds.flatMap((kind) => {
    const [origin, target] = [`${kind}/${from[kind] ?? ''}`, `${kind}/${to[kind] ?? ''}`];
    return [
      `${origin} drain draining ${jobId}:drain:drain:${kind}`,
      `${origin} export release ${jobId}:hand-over:${kind}:export`,
      `${target} import imported ${jobId}:hand-over:${kind}:import`,
      `${origin} resume own ${jobId}:hand-over:undo:resume:${kind}`,
      `${target} drop dropped ${jobId}:hand-over:undo:drop:${kind}`,
      `${origin} resume noted ${jobId}:drain:undo:resume:${kind}`,
    ];
  });
}

export const effectText = ({ shard, op, record, key }: Effect): string => `${shard} ${op} ${record} ${key}`;
