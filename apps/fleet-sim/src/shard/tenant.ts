import { createHash } from 'node:crypto';
import type { PlacedKind, TenantStateName } from '@fairlead/contracts';
import type { AdminOperation, CommandMark, ShardEvent } from '../ledger/records.js';

/**
 * A tenant on one shard, as docs/fleet-contract.md describes it: `decide` says what a command does, `evolve` what a record
 * means. Both are pure; a shard's memory is nothing but its ledger evolved, so what it knows after a crash is what it knew.
 */
export interface TenantOnShard {
  readonly state: TenantStateName;
  /** The highest fence seen. */
  readonly fence: number;
  /** The last command applied. Numbers have no gaps, so this is also what tells a repeated command. */
  readonly lastSeq: number;
  /** The last command taken on durably; ahead of lastSeq by the lag. */
  readonly acceptedSeq: number;
  /** With `moved`: the placement revision that says where to. */
  readonly movedRevision: number;
  /** Whether this shard ever owned the tenant: what it once owned it never makes up anew. */
  readonly everOwned: boolean;
  /** Checksum of the imported copy. */
  readonly sha256: string;
  /** Administrative commands done, by operation and key, with the digest of their parameters. */
  readonly done: ReadonlyMap<string, string>;
}

export const absentTenant: TenantOnShard = {
  state: 'absent',
  fence: 0,
  lastSeq: 0,
  acceptedSeq: 0,
  movedRevision: 0,
  everOwned: false,
  sha256: '',
  done: new Map(),
};

/** How many idempotency keys a shard remembers per tenant; the oldest go first. */
export const rememberedKeys = 256;

/** A state in the form in which it travels from shard to shard, and its checksum. */
export interface TenantCopy {
  data: string;
  sha256: string;
}

export type AdminCommand = { key: string; fence: number } & (
  { op: 'drain' | 'resume' | 'export' } | { op: 'import'; lastSeq: number; sha256: string } | { op: 'drop'; movedRevision: number }
);

export type RefusalCode =
  'stale_fence' | 'tenant_state' | 'tenant_unknown' | 'tenant_draining' | 'tenant_moved' | 'command_gap' | 'idempotency_key_reused';

/** Why a shard does not do what it was asked; `details` become members of the problem document. */
export interface Refusal {
  refused: RefusalCode;
  message: string;
  details: Record<string, unknown>;
}

export type Decision = Refusal | { refused?: undefined; events: ShardEvent[]; repeated: boolean };

/** What a tenant is after a record. */
export function evolve(tenant: TenantOnShard, event: ShardEvent): TenantOnShard {
  switch (event.type) {
    case 'accepted':
      return { ...tenant, acceptedSeq: Math.max(event.seq, tenant.acceptedSeq) };
    case 'applied':
      return { ...tenant, lastSeq: Math.max(event.seq, tenant.lastSeq), acceptedSeq: Math.max(event.seq, tenant.acceptedSeq) };
    case 'own':
      return { ...administered(tenant, event), state: 'active', everOwned: true };
    case 'draining':
    case 'drained':
      return { ...administered(tenant, event), state: event.type };
    case 'release':
      return { ...administered(tenant, event), state: 'sealed' };
    case 'imported': {
      const { last_seq: lastSeq, sha256 } = event;
      return { ...administered(tenant, event), state: 'imported', lastSeq, acceptedSeq: lastSeq, sha256, movedRevision: 0 };
    }
    case 'dropped': {
      const state = event.moved_revision > 0 ? 'moved' : 'absent';
      return { ...administered(tenant, event), state, lastSeq: 0, acceptedSeq: 0, sha256: '', movedRevision: event.moved_revision };
    }
    case 'noted':
      return administered(tenant, event);
  }
}

function administered(tenant: TenantOnShard, event: { fence: number; by?: CommandMark }): TenantOnShard {
  const fence = Math.max(tenant.fence, event.fence);
  if (event.by === undefined) return { ...tenant, fence };
  const done = new Map(tenant.done).set(doneKey(event.by.op, event.by.key), event.by.params);
  for (const oldest of done.keys()) {
    if (done.size <= rememberedKeys) break;
    done.delete(oldest);
  }
  return { ...tenant, fence, done };
}

/**
 * What an administrative command does: the records to write, none when all is as it asks already, or why it is refused.
 * A key that was done is not done again; with a higher fence it still raises the fence.
 */
export function decide(tenant: TenantOnShard, stream: { tenant: string; kind: PlacedKind }, command: AdminCommand): Decision {
  if (command.fence < tenant.fence) {
    return refuse('stale_fence', 'a command with a higher fence was seen', { highest_fence: tenant.fence });
  }
  const params = paramsDigest(command);
  const before = tenant.done.get(doneKey(command.op, command.key));
  const base = { ...stream, fence: command.fence };
  if (before !== undefined && before !== params) {
    return refuse('idempotency_key_reused', `the idempotency key was used for another ${command.op}`, {});
  }
  if (before !== undefined) {
    // These two answer for a copy; a repeat can only do so while that copy is there.
    const copyState = { export: 'sealed', import: 'imported', drain: undefined, resume: undefined, drop: undefined }[command.op];
    if (copyState !== undefined && tenant.state !== copyState) return wrongState(tenant.state, command.op);
    return { events: command.fence > tenant.fence ? [{ type: 'noted', ...base }] : [], repeated: true };
  }
  const event = transition(tenant, { ...base, by: { op: command.op, key: command.key, params } }, command);
  return 'refused' in event ? event : { events: [event], repeated: false };
}

type Base = { tenant: string; kind: PlacedKind; fence: number; by: CommandMark };

function transition(tenant: TenantOnShard, base: Base, command: AdminCommand): ShardEvent | Refusal {
  const { state } = tenant;
  const asItIs: ShardEvent = { type: 'noted', ...base };
  switch (command.op) {
    case 'drain':
      if (state === 'active') return { type: 'draining', ...base };
      return state === 'draining' || state === 'drained' ? asItIs : wrongState(state, command.op);
    case 'resume':
      if (state === 'active') return asItIs;
      if (state === 'absent' || state === 'moved') return wrongState(state, command.op);
      return { type: 'own', ...base, last_seq: tenant.lastSeq };
    case 'export':
      if (state === 'drained') return { type: 'release', ...base, last_seq: tenant.lastSeq };
      return state === 'sealed' ? asItIs : wrongState(state, command.op);
    case 'import':
      if (state === 'imported' && tenant.sha256 === command.sha256) return asItIs;
      if (state !== 'absent' && state !== 'moved' && state !== 'imported') return wrongState(state, command.op);
      return { type: 'imported', ...base, last_seq: command.lastSeq, sha256: command.sha256 };
    case 'drop':
      if (state === 'absent') return asItIs;
      if (state === 'active' || state === 'draining') return wrongState(state, command.op);
      if (state === 'moved' && command.movedRevision <= tenant.movedRevision) return asItIs;
      return { type: 'dropped', ...base, moved_revision: command.movedRevision };
  }
}

function wrongState(state: TenantStateName, op: AdminOperation): Refusal {
  if (state === 'absent' && op !== 'import')
    return refuse('tenant_unknown', `the shard does not know the tenant and can't ${op} it`, { state });
  return refuse('tenant_state', `a tenant that is ${state} can't be asked to ${op}`, { state });
}

/** Whether a numbered command is to be done, was done before, or is refused. */
export function admit(tenant: TenantOnShard, seq: number): 'do' | 'done before' | Refusal {
  switch (tenant.state) {
    case 'absent':
      return refuse('tenant_unknown', 'the shard does not know the tenant', {});
    case 'moved':
      return refuse('tenant_moved', 'the tenant moved to another shard', { revision: tenant.movedRevision });
    case 'draining':
    case 'drained':
    case 'sealed':
    case 'imported':
      return refuse('tenant_draining', 'the shard does not serve the tenant at the moment', { state: tenant.state });
    case 'active':
      if (seq <= tenant.acceptedSeq) return 'done before';
      if (seq === tenant.acceptedSeq + 1) return 'do';
      return refuse('command_gap', 'a command before this one is missing', { expected: tenant.acceptedSeq + 1 });
  }
}

/** The tenant's state as it is handed over: the same bytes at each call while the tenant is sealed. */
export function exportCopy(tenant: TenantOnShard, stream: { tenant: string; kind: PlacedKind }): TenantCopy {
  const data = JSON.stringify({ version: 1, tenant: stream.tenant, kind: stream.kind, last_seq: tenant.lastSeq, pending: [] });
  return { data, sha256: sha256(data) };
}

/** The lower-case hex SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function paramsDigest(command: AdminCommand): string {
  if (command.op === 'import') return command.sha256;
  return command.op === 'drop' ? String(command.movedRevision) : '';
}

const doneKey = (op: AdminOperation, key: string) => `${op} ${key}`;

function refuse(refused: RefusalCode, message: string, details: Record<string, unknown>): Refusal {
  return { refused, message, details };
}
