import { expectProblem, expectTrue, expectAnswer } from '../expect.js';
import type { Bench, Rule } from '../rule.js';
import { expectState, type TestTenant } from '../test-tenant.js';

/** F: fences and keys. */
export const fenceRules: readonly Rule[] = [
  { id: 'F1', mandatory: true, of: 'shards', title: 'a command has a key and a fence', check: stamps },
  { id: 'F2', mandatory: true, of: 'shards', title: 'a lower fence is refused, also for a tenant that is gone', check: staleFences },
  { id: 'F3', mandatory: true, of: 'shards', title: 'the fence is checked before the key and the state', check: fenceFirst },
  { id: 'F4', mandatory: true, of: 'shards', title: 'a key has its effect once', check: repeats },
  { id: 'F5', mandatory: true, of: 'shards', title: 'a key with other parameters is refused', check: reusedKeys },
  { id: 'F6', mandatory: true, of: 'shards', title: 'what is refused leaves no trace', check: noTrace },
  { id: 'F7', mandatory: true, of: 'shards', title: 'the last 256 keys are remembered', check: manyKeys },
];

const rememberedKeys = 256;

async function stamps({ tenant }: Bench): Promise<void> {
  await tenant.bring('active');
  const slips: [what: string, more: Record<string, unknown>][] = [
    ['without a key', { idempotency_key: undefined }],
    ['with an empty key', { idempotency_key: '' }],
    ['with a space in the key', { idempotency_key: 'a b' }],
    ['with a key of 201 characters', { idempotency_key: 'k'.repeat(201) }],
    ['without a fence', { fence: undefined }],
    ['with a fence below 0', { fence: -1 }],
    ['with a text as fence', { fence: String(tenant.shared.fence) }],
  ];
  for (const [what, more] of slips) expectProblem(`drain ${what}`, await tenant.admin('drain', more), 400, 'invalid_argument');
  expectState(
    'resume with a key of 200 characters',
    await tenant.admin('resume', { idempotency_key: newKey(tenant).padEnd(200, '~') }),
    'active',
  );
}

async function staleFences({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  for (const state of ['active', 'drained', 'absent', 'moved'] as const) {
    await tenant.bring(state);
    const fence = ++tenant.shared.fence;
    // A drop counts wherever it changes nothing; where it would, a drain does.
    const op = state === 'absent' || state === 'moved' ? 'drop' : state === 'active' ? 'resume' : 'drain';
    expectAnswer(`${op} while ${state} with a higher fence`, await tenant.admin(op), { status: 200, body: { fence } });
    const stale = await tenant.admin(op, { fence: fence - 1 });
    expectProblem(`${op} while ${state} with a lower fence`, stale, 409, 'stale_fence', { highest_fence: fence });
    expectAnswer(`${op} while ${state} with the same fence`, await tenant.admin(op), { status: 200, body: { fence } });
  }
}

async function fenceFirst({ tenant }: Bench): Promise<void> {
  await tenant.bring('active');
  const low = { fence: tenant.shared.fence };
  const key = { idempotency_key: newKey(tenant) };
  expectState('resume', await tenant.admin('resume', { ...key, ...low }), 'active');
  const fence = ++tenant.shared.fence;
  expectState('resume with a higher fence', await tenant.admin('resume'), 'active');
  const known = await tenant.admin('resume', { ...key, ...low });
  expectProblem('a known key with a lower fence', known, 409, 'stale_fence', { highest_fence: fence });
  const wrongState = await tenant.admin('export', low);
  expectProblem('a lower fence in a wrong state', wrongState, 409, 'stale_fence', { highest_fence: fence });
}

async function repeats({ tenant }: Bench): Promise<void> {
  await tenant.bring('active');
  const key = { idempotency_key: newKey(tenant) };
  const first = expectState('drain', await tenant.admin('drain', key), 'draining', 'drained');
  expectAnswer('the first drain by its key', first, { status: 200, body: { repeated: false } });
  await tenant.bring('active');
  const fence = ++tenant.shared.fence;
  const repeated = await tenant.admin('drain', key);
  expectAnswer('the same drain after a resume', repeated, { status: 200, body: { state: 'active', repeated: true, fence } });
  const stale = await tenant.admin('resume', { fence: fence - 1 });
  expectProblem('a fence lower than the one that came with the repeat', stale, 409, 'stale_fence', { highest_fence: fence });
}

async function reusedKeys({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  const key = { idempotency_key: newKey(tenant) };
  expectState('drop', await tenant.admin('drop', { ...key, moved_revision: 0 }), 'absent');
  const reused = await tenant.admin('drop', { ...key, moved_revision: 1 });
  expectProblem('the same key with another moved_revision', reused, 409, 'idempotency_key_reused');
  const otherOperation = await tenant.admin('import', { ...key, ...tenant.shared.copy });
  expectState('the same key for another operation', otherOperation, 'imported');
}

async function noTrace({ tenant }: Bench): Promise<void> {
  const { fence } = await tenant.bring('active');
  const refused = { idempotency_key: newKey(tenant), fence: tenant.shared.fence + 10 };
  expectProblem('export while active', await tenant.admin('export', refused), 409, 'tenant_state');
  const after = await tenant.status();
  expectTrue(after.fence === fence, `fence ${String(fence)} as before a command that was refused`, String(after.fence));
  await tenant.bring('drained');
  tenant.shared.fence = refused.fence;
  const done = await tenant.admin('export', refused);
  expectAnswer('the same export once it is possible', done, { status: 200, body: { state: 'sealed', repeated: false } });
}

async function manyKeys({ tenant }: Bench): Promise<void> {
  await tenant.bring('active');
  const oldest = { idempotency_key: newKey(tenant) };
  expectState('resume', await tenant.admin('resume', oldest), 'active');
  for (let sent = 1; sent < rememberedKeys; sent++) expectState('resume', await tenant.admin('resume'), 'active');
  const repeated = await tenant.admin('resume', oldest);
  expectAnswer(`the oldest of ${String(rememberedKeys)} keys`, repeated, { status: 200, body: { repeated: true } });
}

const newKey = (tenant: TestTenant) => tenant.stamp().idempotency_key;
