import { describe, expect, it } from '@jest/globals';
import { tenantStates, type TenantStateName } from '@fairlead/contracts';
import type { ShardEvent } from '../ledger/records.js';
import { absentTenant, admit, decide, evolve, exportCopy, rememberedKeys, type AdminCommand, type TenantOnShard } from './tenant.js';

const stream = { tenant: 'tenant-01', kind: 'runner' as const };
const at = (state: TenantStateName, more: Partial<TenantOnShard> = {}): TenantOnShard => ({
  ...absentTenant,
  state,
  everOwned: state !== 'absent',
  fence: 5,
  lastSeq: 7,
  acceptedSeq: 7,
  ...more,
});
const command = (op: AdminCommand['op'], more: { fence?: number; key?: string; movedRevision?: number } = {}): AdminCommand => {
  const base = { key: more.key ?? 'k', fence: more.fence ?? 5 };
  if (op === 'import') return { op, ...base, lastSeq: 7, sha256: 'sum' };
  if (op === 'drop') return { op, ...base, movedRevision: more.movedRevision ?? 3 };
  return { op, ...base };
};

function apply(tenant: TenantOnShard, asked: AdminCommand): TenantOnShard {
  const decision = decide(tenant, stream, asked);
  if (decision.refused !== undefined) throw new Error(decision.refused);
  return decision.events.reduce(evolve, tenant);
}

const outcome = (tenant: TenantOnShard, asked: AdminCommand): string => {
  const decision = decide(tenant, stream, asked);
  return decision.refused ?? decision.events.reduce(evolve, tenant).state;
};

describe('tenant on a shard', () => {
  it('goes from state to state as the contract says, and nowhere else', () => {
    const table = Object.fromEntries(
      (['drain', 'resume', 'export', 'import', 'drop'] as const).map((op) => [
        op,
        Object.fromEntries(tenantStates.map((state) => [state, outcome(at(state), command(op))])),
      ]),
    );
    const no = 'tenant_state';
    expect(table).toEqual({
      drain: {
        absent: 'tenant_unknown',
        active: 'draining',
        draining: 'draining',
        drained: 'drained',
        sealed: no,
        imported: no,
        moved: no,
      },
      resume: {
        absent: 'tenant_unknown',
        active: 'active',
        draining: 'active',
        drained: 'active',
        sealed: 'active',
        imported: 'active',
        moved: no,
      },
      export: { absent: 'tenant_unknown', active: no, draining: no, drained: 'sealed', sealed: 'sealed', imported: no, moved: no },
      import: { absent: 'imported', active: no, draining: no, drained: no, sealed: no, imported: 'imported', moved: 'imported' },
      drop: { absent: 'absent', active: no, draining: no, drained: 'moved', sealed: 'moved', imported: 'moved', moved: 'moved' },
    });
    expect(outcome(at('sealed'), command('drop', { movedRevision: 0 }))).toBe('absent');
  });

  it('refuses a fence lower than the highest seen, in every state and for every command', () => {
    for (const state of tenantStates) {
      for (const op of ['drain', 'resume', 'export', 'import', 'drop'] as const) {
        expect(decide(at(state), stream, command(op, { fence: 4 }))).toMatchObject({
          refused: 'stale_fence',
          details: { highest_fence: 5 },
        });
      }
    }
  });

  it('does not do a command again, and raises the fence all the same', () => {
    let tenant = apply(at('active'), command('drain', { key: 'k1' }));
    tenant = apply(tenant, command('resume', { key: 'k2' }));
    expect(decide(tenant, stream, command('drain', { key: 'k1' }))).toEqual({ events: [], repeated: true });
    tenant = apply(tenant, command('drain', { key: 'k1', fence: 9 }));
    expect(tenant).toMatchObject({ state: 'active', fence: 9 });
    expect(outcome(tenant, command('drain', { key: 'k3', fence: 8 }))).toBe('stale_fence');
    expect(outcome(tenant, command('drain', { key: 'k3', fence: 9 }))).toBe('draining');
  });

  it('refuses a key that was used for something else', () => {
    const tenant = apply(at('sealed'), command('drop', { movedRevision: 3 }));
    expect(outcome(tenant, command('drop', { movedRevision: 4 }))).toBe('idempotency_key_reused');
    expect(outcome(tenant, command('drop', { movedRevision: 3 }))).toBe('moved');
  });

  it('answers a repeated export only while the copy is sealed', () => {
    const sealed = apply(at('drained'), command('export'));
    expect(outcome(sealed, command('export'))).toBe('sealed');
    expect(exportCopy(sealed, stream)).toEqual(exportCopy(apply(sealed, command('export', { key: 'other', fence: 8 })), stream));
    const drainedAgain = apply(apply(sealed, command('resume', { key: 'r' })), command('drain', { key: 'd' }));
    expect(outcome(drainedAgain, command('export'))).toBe('tenant_state');
    expect(outcome({ ...drainedAgain, state: 'drained' }, command('export'))).toBe('tenant_state');
  });

  it('answers a repeated import only while the copy is there', () => {
    const imported = apply(absentTenant, command('import'));
    expect(decide(imported, stream, command('import'))).toEqual({ events: [], repeated: true });
    expect(outcome(apply(imported, command('resume', { key: 'r' })), command('import'))).toBe('tenant_state');
    expect(outcome(apply(imported, command('drop', { movedRevision: 0 })), command('import'))).toBe('tenant_state');
  });

  it('keeps a fence that came with the drop of a copy it never had', () => {
    const tenant = apply(absentTenant, command('drop', { fence: 6 }));
    expect(tenant).toMatchObject({ state: 'absent', fence: 6 });
    expect(outcome(tenant, command('import', { fence: 5 }))).toBe('stale_fence');
  });

  it('takes an imported copy for another one only with other bytes', () => {
    const imported = apply(absentTenant, command('import'));
    expect(imported).toMatchObject({ state: 'imported', lastSeq: 7, acceptedSeq: 7 });
    const again: AdminCommand = { op: 'import', key: 'k2', fence: 6, lastSeq: 9, sha256: 'other' };
    expect(apply(imported, again)).toMatchObject({ state: 'imported', lastSeq: 9 });
  });

  it('forgets the state it dropped and remembers that it owned it', () => {
    expect(apply(at('sealed'), command('drop', { movedRevision: 0 }))).toMatchObject({
      state: 'absent',
      lastSeq: 0,
      everOwned: true,
      fence: 5,
    });
    expect(apply(at('moved', { movedRevision: 3 }), command('drop', { movedRevision: 8 }))).toMatchObject({
      state: 'moved',
      movedRevision: 8,
    });
  });

  it('remembers a bounded number of keys, the latest', () => {
    let tenant = at('active');
    for (let i = 0; i < rememberedKeys + 10; i++) tenant = apply(tenant, command('resume', { key: `k${String(i)}` }));
    expect(tenant.done.size).toBe(rememberedKeys);
    expect(tenant.done.has('resume k9')).toBe(false);
    expect(tenant.done.has('resume k10')).toBe(true);
  });

  it('admits the next command only, and only while active', () => {
    expect(admit(at('active'), 8)).toBe('do');
    expect(admit(at('active'), 7)).toBe('done before');
    expect(admit(at('active', { acceptedSeq: 9 }), 9)).toBe('done before');
    expect(admit(at('active'), 9)).toMatchObject({ refused: 'command_gap', details: { expected: 8 } });
    for (const state of ['draining', 'drained', 'sealed', 'imported'] as const) {
      expect(admit(at(state), 8)).toMatchObject({ refused: 'tenant_draining', details: { state } });
    }
    expect(admit(at('moved', { movedRevision: 12 }), 8)).toMatchObject({ refused: 'tenant_moved', details: { revision: 12 } });
    expect(admit(at('absent'), 8)).toMatchObject({ refused: 'tenant_unknown' });
  });

  it('counts accepted and applied commands', () => {
    const events: ShardEvent[] = [
      { type: 'own', ...stream, fence: 0, last_seq: 0 },
      { type: 'accepted', ...stream, fence: 0, seq: 1 },
      { type: 'accepted', ...stream, fence: 0, seq: 2 },
      { type: 'applied', ...stream, fence: 0, seq: 1 },
    ];
    expect(events.reduce(evolve, absentTenant)).toMatchObject({ state: 'active', acceptedSeq: 2, lastSeq: 1, everOwned: true });
  });
});
