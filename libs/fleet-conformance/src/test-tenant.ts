import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { tenantStates, type TenantStateName } from '@fairlead/contracts';
import { expectAnswer, expectTrue, isCount, shown } from './expect.js';
import { Broken, NotChecked } from './broken.js';
import type { Answer, Service } from './service.js';

/** What a test tenant's name begins with unless another was named. */
export const testTenant = 'fairlead-conformance';

/** A tenant's state in the form in which it goes from shard to shard. */
export interface TenantCopy {
  readonly data: string;
  readonly sha256: string;
}

export interface TenantStatus {
  readonly state: TenantStateName;
  readonly inflight: number;
  readonly lag: number;
  readonly fence: number;
  readonly lastSeq: number;
}

export type AdminOperation = 'drain' | 'resume' | 'export' | 'import' | 'drop';
/** States that a tenant can be brought to and stays in. */
export type RestingState = Exclude<TenantStateName, 'draining'>;

/** What the tenant's seats on several shards share. */
export interface Shared {
  readonly id: string;
  /** Of the shards. */
  readonly kind: string;
  /** Where numbered commands go to, with `{tenant}` for the tenant's id; undefined when nobody said. */
  readonly commandPath: string | undefined;
  readonly settleMs: number;
  /** The fence of the next command; it only grows. */
  fence: number;
  /** The last copy that was exported, or that was given. */
  copy: TenantCopy | undefined;
}

const pollMs = 20;
const mostSteps = 12;

/** The test tenant on one shard: asks and commands it, and brings it to the state that a check begins with. */
export class TestTenant {
  /** A drain or a command did not end in time: nobody waits for it again. */
  private hangs = false;
  /** What one of its commands may have left behind is there to be dropped. */
  private touched = false;

  constructor(
    readonly service: Service,
    readonly shared: Shared,
  ) {}

  get id(): string {
    return this.shared.id;
  }

  /** The state and its figures. Throws Broken when the answer is not one that the contract knows. */
  async status(): Promise<TenantStatus> {
    const asked = `GET ${this.path()}`;
    const answer = await this.look();
    const { state, inflight, lag, fence, last_seq: lastSeq } = answer.body;
    const known = tenantStates.find((name) => name === state);
    if (known === undefined || !isCount(inflight) || !isCount(lag) || !isCount(fence) || !isCount(lastSeq))
      throw new Broken(`state, inflight, lag, fence and last_seq for ${asked}`, shown(answer));
    return { state: known, inflight, lag, fence, lastSeq };
  }

  /** The status as it is answered. */
  async look(): Promise<Answer> {
    return expectAnswer(`GET ${this.path()}`, await this.service.get(this.path()), { status: 200 });
  }

  /** Sends an administrative command under a new key and the present fence, unless `more` says otherwise; keeps a copy that comes. */
  async admin(op: AdminOperation, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    this.touched = true;
    const answer = await this.service.post(`${this.path()}/${op}`, {
      ...this.stamp(),
      ...(op === 'drop' ? { moved_revision: 0 } : {}),
      ...more,
    });
    const { data, sha256 } = answer.body;
    if (op === 'export' && typeof data === 'string' && typeof sha256 === 'string') this.shared.copy = { data, sha256 };
    return answer;
  }

  /** A new key, and the present fence. */
  stamp(): { idempotency_key: string; fence: number } {
    return { idempotency_key: `conformance:${randomUUID()}`, fence: this.shared.fence };
  }

  /** Sends a numbered command. */
  command(seq: number): Promise<Answer> {
    if (this.shared.commandPath === undefined) throw new NotChecked('nobody said where commands go to (--commands)');
    this.touched = true;
    return this.service.post(this.shared.commandPath.replaceAll('{tenant}', this.id), { seq }, { authorization: null });
  }

  /** Brings the tenant to a state by the contract's own commands. Throws NotChecked when that is not possible. */
  async bring(wanted: RestingState): Promise<TenantStatus> {
    const way: string[] = [];
    for (let step = 0; step < mostSteps; step++) {
      const status = await this.status();
      if (status.state === wanted) return status;
      way.push(status.state);
      await this.step(status.state, wanted);
    }
    throw new NotChecked(`the tenant does not come to the state ${wanted}: it was ${way.join(', ')}`);
  }

  /** Waits until the tenant is as wanted. Throws Broken when it does not come there in time, or did not before. */
  async settles(isThere: (status: TenantStatus) => boolean, what: string): Promise<TenantStatus> {
    const deadlineMs = performance.now() + (this.hangs ? 0 : this.shared.settleMs);
    for (;;) {
      const status = await this.status();
      if (isThere(status)) return status;
      if (performance.now() > deadlineMs) {
        this.hangs = true;
        throw new Broken(`${what} within ${String(this.shared.settleMs)} ms`, JSON.stringify(status));
      }
      await sleep(pollMs);
    }
  }

  /** Seals the tenant and answers its copy. Throws Broken or NotChecked. */
  async seal(): Promise<TenantCopy> {
    await this.bring('sealed');
    const answer = await this.admin('export');
    const { copy } = this.shared;
    if (answer.status !== 200 || copy === undefined || answer.body['data'] !== copy.data)
      throw new Broken('200 with data and sha256 for export', shown(answer));
    return copy;
  }

  /** Removes what the checks may have left on the shard. Throws when it is still there. */
  async cleanUp(): Promise<void> {
    if (!this.touched) return;
    this.hangs = false;
    const { fence } = await this.status();
    this.shared.fence = Math.max(this.shared.fence, fence);
    await this.bring('absent');
  }

  private async step(state: TenantStateName, wanted: RestingState): Promise<void> {
    if (state === 'absent' || state === 'moved') return this.bringCopy();
    if (state === 'draining') {
      // A drain that does not end keeps the tenant there: nothing but that is known of the other states then.
      await this.settles(({ state: now }) => now === 'drained', 'the drain to end').catch((error: unknown) => {
        throw new NotChecked(`the tenant's drain does not end: ${error instanceof Error ? error.message : ''}`);
      });
      return;
    }
    const op = this.nextOperation(state, wanted);
    const asked = `${op} while ${state}`;
    const answer = await this.admin(op, op === 'drop' && wanted === 'moved' ? { moved_revision: 1 } : {});
    if (answer.status !== 200) throw new NotChecked(`the tenant can't be brought to ${wanted}: ${asked} was answered ${shown(answer)}`);
  }

  private nextOperation(state: Exclude<TenantStateName, 'draining' | 'absent' | 'moved'>, wanted: RestingState): AdminOperation {
    if (state === 'active') return 'drain';
    // What is dropped comes back by its copy, so there has to be one.
    if (state === 'drained' && (wanted === 'sealed' || this.shared.copy === undefined)) return 'export';
    if (wanted === 'absent' || wanted === 'moved' || wanted === 'imported') return 'drop';
    return 'resume';
  }

  private async bringCopy(): Promise<void> {
    const { copy } = this.shared;
    if (copy === undefined)
      throw new NotChecked(
        `the shard does not have the tenant ${this.id}, and there is no copy of it to bring there. A shard that never had it gets it by ` +
          `placement, with its first command: fairlead tenant create ${this.id} --place ${this.shared.kind}=<shard>. ` +
          'Where it was dropped before, it comes back by its copy: --copy-file',
      );
    const answer = await this.admin('import', { ...copy });
    if (answer.status !== 200) throw new NotChecked(`the tenant's copy can't be brought back: import was answered ${shown(answer)}`);
  }

  private path(): string {
    return `/admin/tenants/${this.id}`;
  }
}

/** Throws Broken unless a command's answer says that the tenant came to a state, or to one of several. */
export function expectState(asked: string, answer: Answer, ...states: readonly TenantStateName[]): Answer {
  expectAnswer(asked, answer, { status: 200 });
  expectTrue(
    states.some((state) => state === answer.body['state']),
    `200 with the state ${states.join(' or ')} for ${asked}`,
    shown(answer),
  );
  return answer;
}
