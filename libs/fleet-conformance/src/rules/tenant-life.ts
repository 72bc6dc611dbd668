import { randomBytes } from 'node:crypto';
import { expectAnswer, expectProblem, expectTrue, shown } from '../expect.js';
import type { Bench, Rule } from '../rule.js';
import { expectState, type AdminOperation, type RestingState } from '../test-tenant.js';
import { expectVersion } from './every-service.js';

/** T: a tenant's life on a shard. */
export const tenantLifeRules: readonly Rule[] = [
  { id: 'T1', mandatory: true, of: 'shards', title: "GET tells a tenant's status and changes nothing", check: status },
  { id: 'T2', mandatory: true, of: 'shards', title: 'commands change the state as the table says', check: transitions },
  { id: 'T3', mandatory: true, of: 'shards', title: 'a drain ends by itself, with nothing in flight', check: drains },
  {
    id: 'T4',
    mandatory: true,
    of: 'shards',
    title: 'only the owner changes the state',
    unseen: "two owners at a time can't be seen by asking one shard",
  },
  {
    id: 'T5',
    mandatory: true,
    of: 'shards',
    title: 'what was answered holds after a crash',
    unseen: 'it would take a crash of the service',
  },
  { id: 'T6', mandatory: true, of: 'shards', title: 'the sealed copy stays unchanged', check: sealedStays },
  {
    id: 'T7',
    mandatory: true,
    of: 'shards',
    title: 'a tenant has one shard that makes it up',
    unseen: 'it takes several placements at a time',
  },
  { id: 'T8', mandatory: false, of: 'shards', title: 'GET /admin/state tells the placement seen', check: adminState },
];

type Outcome = RestingState | 'unknown' | 'refused' | 'draining or drained';

/** The contract's table: what becomes of a tenant in a state by a command. */
const table: readonly { op: AdminOperation; more?: object; from: Readonly<Record<RestingState, Outcome>> }[] = [
  {
    op: 'drain',
    from: {
      absent: 'unknown',
      active: 'draining or drained',
      drained: 'drained',
      sealed: 'refused',
      imported: 'refused',
      moved: 'refused',
    },
  },
  {
    op: 'resume',
    from: { absent: 'unknown', active: 'active', drained: 'active', sealed: 'active', imported: 'active', moved: 'refused' },
  },
  {
    op: 'export',
    from: { absent: 'unknown', active: 'refused', drained: 'sealed', sealed: 'sealed', imported: 'refused', moved: 'refused' },
  },
  {
    op: 'import',
    from: { absent: 'imported', active: 'refused', drained: 'refused', sealed: 'refused', imported: 'imported', moved: 'imported' },
  },
  {
    op: 'drop',
    more: { moved_revision: 1 },
    from: { absent: 'absent', active: 'refused', drained: 'moved', sealed: 'moved', imported: 'moved', moved: 'moved' },
  },
  {
    op: 'drop',
    more: { moved_revision: 0 },
    from: { absent: 'absent', active: 'refused', drained: 'absent', sealed: 'absent', imported: 'absent', moved: 'moved' },
  },
];

async function status({ service, tenant }: Bench): Promise<void> {
  const first = await tenant.status();
  const again = await service.get(`/admin/tenants/${tenant.id}`);
  expectAnswer(`GET /admin/tenants/${tenant.id}, once more`, again, {
    status: 200,
    body: { tenant_id: tenant.id, state: first.state, fence: first.fence, last_seq: first.lastSeq },
  });
  const nobody = `${tenant.id.slice(0, 40)}-${randomBytes(4).toString('hex')}`;
  const answer = await service.get(`/admin/tenants/${nobody}`);
  expectAnswer('GET of a tenant that nobody has', answer, { status: 200, body: { tenant_id: nobody, state: 'absent', last_seq: 0 } });
}

async function transitions({ tenant }: Bench): Promise<void> {
  // From here on there is a copy: what is dropped can be brought back.
  await tenant.seal();
  for (const { op, more, from } of table) {
    for (const [state, outcome] of Object.entries(from) as [RestingState, Outcome][]) {
      await tenant.bring(state);
      const asked = `${op}${op === 'drop' ? ` ${JSON.stringify(more)}` : ''} while ${state}`;
      const answer = await tenant.admin(op, { ...(op === 'import' ? tenant.shared.copy : {}), ...more });
      if (outcome === 'unknown') expectProblem(asked, answer, 404, 'tenant_unknown');
      else if (outcome === 'refused') expectProblem(asked, answer, 409, 'tenant_state', { state });
      else if (outcome === 'draining or drained') expectState(asked, answer, 'draining', 'drained');
      else expectState(asked, answer, outcome);
      if (outcome === 'draining or drained') continue;
      const reached = outcome === 'unknown' || outcome === 'refused' ? state : outcome;
      const now = await tenant.status();
      expectTrue(now.state === reached, `the state ${reached} after ${asked}`, now.state);
    }
  }
}

async function drains({ tenant }: Bench): Promise<void> {
  const { lastSeq, lag } = await tenant.bring('active');
  const commanded = tenant.shared.commandPath === undefined ? undefined : tenant.command(lastSeq + lag + 1).catch(() => undefined);
  expectState('drain', await tenant.admin('drain'), 'draining', 'drained');
  const drained = await tenant.settles(({ state }) => state !== 'draining', 'the drain to end');
  await commanded;
  expectTrue(
    drained.state === 'drained' && drained.inflight === 0 && drained.lag === 0,
    'drained with inflight 0 and lag 0',
    JSON.stringify(drained),
  );
}

async function sealedStays({ tenant }: Bench): Promise<void> {
  const copy = await tenant.seal();
  const sealed = await tenant.status();
  for (const op of ['drain', 'import'] as const) await tenant.admin(op, op === 'import' ? { ...copy } : {});
  const later = await tenant.admin('export');
  expectAnswer('another export after commands that are refused', later, { status: 200, body: { state: 'sealed', ...copy } });
  const resumed = expectState('resume while sealed', await tenant.admin('resume'), 'active');
  expectTrue(resumed.body['last_seq'] === sealed.lastSeq, `last_seq ${String(sealed.lastSeq)} after resume`, shown(resumed));
}

async function adminState({ service }: Bench): Promise<void> {
  expectVersion('GET /admin/state', await service.get('/admin/state'));
}
