import { tenantStates, type PlacedKind, type TenantStateName } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { PlacementFeed } from '../placement.js';
import type { Claims } from './claims.js';
import type { ShardState } from './state.js';
import { admit, decide, exportCopy, type AdminCommand, type Refusal, type TenantCopy } from './tenant.js';
import { createWork, type Work } from './work.js';

export interface ShardOptions {
  kind: PlacedKind;
  shardId: string;
  state: ShardState;
  claims: Claims;
  placement: PlacementFeed;
  /** While true, every drain keeps a piece of work that never ends, and a projection applies nothing. */
  stuck: () => boolean;
  random: () => number;
  logger: Logger;
}

/** What a shard says about a tenant. */
export interface TenantStatus {
  tenant_id: string;
  state: TenantStateName;
  inflight: number;
  lag: number;
  fence: number;
  last_seq: number;
  /** With `moved`: the placement revision that says where to. */
  moved_revision?: number;
  /** With `sealed` and `imported`: the copy's checksum, and how much it holds. A tenant of the simulated fleet is the commands it did. */
  copy?: { sha256: string; entries: number };
}

export type CommandOutcome = { seq: number; repeated: boolean };
export type AdminOutcome = TenantStatus & { repeated: boolean } & Partial<TenantCopy>;

const maxInflight = 10_000;
const maxLagPerTenant = 10_000;

/** A shard refuses: the reason, and what belongs to it. */
export class RefusedError extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
    this.name = 'RefusedError';
  }
}

/** A shard has more work than it takes on at a time. */
export class OverloadedError extends Error {
  constructor() {
    super('the shard has too much work in flight');
    this.name = 'OverloadedError';
  }
}

/** One shard of aggregates, projections or runners: does numbered commands of the tenants it owns, and hands tenants over. */
export class Shard {
  private readonly work: Work;
  // tenant -> command number -> when it may be acknowledged
  private readonly running = new Map<string, Map<number, Promise<void>>>();
  private readonly provisioning = new Map<string, Promise<void>>();
  private runningTotal = 0;

  constructor(private readonly options: ShardOptions) {
    const { kind, state, random, stuck } = options;
    this.work = createWork(kind, {
      state,
      random,
      stuck,
      onCaughtUp: (tenant) => {
        this.endDrainWhenIdle(tenant);
      },
    });
    this.endIdleDrains();
  }

  /** Does a numbered command once, however often it comes. Throws RefusedError or OverloadedError. */
  async command(tenantId: string, seq: number): Promise<CommandOutcome> {
    await this.provision(tenantId);
    const admitted = admit(this.options.state.get(tenantId), seq);
    if (typeof admitted === 'object') throw new RefusedError(admitted);
    const running = this.running.get(tenantId)?.get(seq);
    if (running !== undefined) await running;
    if (running !== undefined || admitted === 'done before') return { seq, repeated: true };
    const { acceptedSeq, lastSeq } = this.options.state.get(tenantId);
    if (this.runningTotal >= maxInflight || acceptedSeq - lastSeq >= maxLagPerTenant) throw new OverloadedError();
    await this.run(tenantId, seq);
    return { seq, repeated: false };
  }

  /** Does an administrative command; durable when it resolves. Throws RefusedError. */
  async administer(tenantId: string, command: AdminCommand): Promise<AdminOutcome> {
    await this.provision(tenantId);
    const { kind, state, shardId, logger } = this.options;
    const before = state.get(tenantId).state;
    const stream = { tenant: tenantId, kind };
    const decision = decide(state.get(tenantId), stream, command);
    if (decision.refused !== undefined) throw new RefusedError(decision);
    const copy = command.op === 'export' ? exportCopy(state.get(tenantId), stream) : {};
    const written = decision.events.map((event) => state.record(event));
    this.endDrainWhenIdle(tenantId);
    const status = this.status(tenantId);
    await Promise.all(written);
    if (status.state !== before) {
      logger.info(
        { kind, shard_id: shardId, tenant_id: tenantId, op: command.op, from: before, to: status.state, fence: status.fence },
        'tenant state',
      );
    }
    return { ...status, repeated: decision.repeated, ...copy };
  }

  /** A tenant's state, all of it durable. */
  async tenant(tenantId: string): Promise<TenantStatus> {
    await this.provision(tenantId);
    const status = this.status(tenantId);
    await this.options.state.settled();
    return status;
  }

  /** Totals over all tenants. */
  totals(): { inflight: number; lag: number; tenants: Record<TenantStateName, number> } {
    const tenants = Object.fromEntries(tenantStates.map((state) => [state, 0])) as Record<TenantStateName, number>;
    let lag = 0;
    let inflight = 0;
    for (const [id, tenant] of this.options.state.all()) {
      tenants[tenant.state] += 1;
      lag += tenant.acceptedSeq - tenant.lastSeq;
      inflight += this.inflight(id);
    }
    return { inflight, lag, tenants };
  }

  /** Lets drains end that only a stuck piece of work held up. */
  endIdleDrains(): void {
    for (const [tenantId] of this.options.state.all()) this.endDrainWhenIdle(tenantId);
  }

  /** Stops working; what is in flight stays undone. */
  stop(): void {
    this.work.stop();
  }

  private async run(tenantId: string, seq: number): Promise<void> {
    const commands = this.running.get(tenantId) ?? new Map<number, Promise<void>>();
    this.running.set(tenantId, commands);
    this.runningTotal += 1;
    const done = this.work.take(tenantId, seq).finally(() => {
      commands.delete(seq);
      this.runningTotal -= 1;
      this.endDrainWhenIdle(tenantId);
    });
    commands.set(seq, done);
    await done;
  }

  private status(tenantId: string): TenantStatus {
    const { state, fence, lastSeq, acceptedSeq, movedRevision } = this.options.state.get(tenantId);
    return {
      tenant_id: tenantId,
      state,
      inflight: this.inflight(tenantId),
      lag: acceptedSeq - lastSeq,
      fence,
      last_seq: lastSeq,
      ...(state === 'moved' ? { moved_revision: movedRevision } : {}),
      ...(state === 'sealed' || state === 'imported' ? { copy: { sha256: this.sumOf(tenantId), entries: lastSeq } } : {}),
    };
  }

  /** Of what the shard holds, not of what it was told: an import that took in less has another one. */
  private sumOf(tenantId: string): string {
    const { state, kind } = this.options;
    return exportCopy(state.get(tenantId), { tenant: tenantId, kind }).sha256;
  }

  private inflight(tenantId: string): number {
    const stuck = this.options.stuck() && this.options.state.get(tenantId).state === 'draining';
    return (this.running.get(tenantId)?.size ?? 0) + (stuck ? 1 : 0);
  }

  private endDrainWhenIdle(tenantId: string): void {
    const { kind, state } = this.options;
    const tenant = state.get(tenantId);
    if (tenant.state !== 'draining' || tenant.acceptedSeq > tenant.lastSeq || this.inflight(tenantId) > 0) return;
    // Whoever asks for the state waits until it is durable; a ledger that is gone takes the whole shard with it.
    state.record({ type: 'drained', tenant: tenantId, kind, fence: tenant.fence }).catch(() => undefined);
  }

  /**
   * Makes up a tenant that was never owned by any shard, when the placement gives it to this one. The claim decides between
   * shards that have seen different placements.
   */
  private async provision(tenantId: string): Promise<void> {
    const { kind, shardId, placement } = this.options;
    if (!this.isUnknown(tenantId) || placement.current()?.shardOf(kind, tenantId) !== shardId) return;
    let running = this.provisioning.get(tenantId);
    if (running === undefined) {
      running = this.makeUp(tenantId).finally(() => this.provisioning.delete(tenantId));
      this.provisioning.set(tenantId, running);
    }
    await running;
  }

  private async makeUp(tenantId: string): Promise<void> {
    const { kind, shardId, state, claims, logger } = this.options;
    if (!(await claims.claim(kind, tenantId, shardId)) || !this.isUnknown(tenantId)) return;
    await state.record({ type: 'own', tenant: tenantId, kind, fence: state.get(tenantId).fence, last_seq: 0 });
    logger.info({ kind, shard_id: shardId, tenant_id: tenantId }, 'tenant provisioned');
  }

  private isUnknown(tenantId: string): boolean {
    const { state, everOwned } = this.options.state.get(tenantId);
    return state === 'absent' && !everOwned;
  }
}
