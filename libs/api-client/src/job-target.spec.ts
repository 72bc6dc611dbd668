import { expect, it } from '@jest/globals';
import { changeOperations, type ChangeKind } from './changes.js';
import { jobTarget } from './job-target.js';

const document = { domain: 'routing', scope: 'platform', name: 'default' };
const shard = { kind: 'runner', shard: 'runner-1' };
/** Parameters of each kind that there is, and what such a job is about. */
const examples: Record<ChangeKind, [Record<string, unknown>, string]> = {
  'tenant-migrate': [{ tenant: 'acme', moves: { runner: 'runner-2' } }, 'acme'],
  'tenants-migrate': [{ tenants: ['acme', 'duff'], moves: {} }, '2 tenants'],
  rebalance: [{ mode: 'balance', kind: 'runner' }, 'runner'],
  'shard-decommission': [shard, 'runner/runner-1'],
  'shard-drain': [shard, 'runner/runner-1'],
  'shard-resume': [shard, 'runner/runner-1'],
  'node-drain': [{ node: 'host-3' }, 'host-3'],
  'node-resume': [{ node: 'host-3' }, 'host-3'],
  'tenant-drain': [{ tenant: 'acme' }, 'acme'],
  'tenant-resume': [{ tenant: 'acme' }, 'acme'],
  'config-apply': [{ ...document, sha256: 'a' }, 'routing/platform/default'],
  'config-rollback': [{ ...document, sha256: 'a', revision: 2 }, 'routing/platform/default'],
  reload: [shard, 'runner/runner-1'],
};

it('tells what a job of each kind is about', () => {
  expect(Object.keys(examples).toSorted()).toEqual(Object.keys(changeOperations).toSorted());
  for (const [params, target] of Object.values(examples)) expect(jobTarget(params)).toBe(target);
  expect([jobTarget({ tenants: ['acme'] }), jobTarget({ mode: 'empty', ...shard }), jobTarget({}), jobTarget({ tenant: 7 })]).toEqual([
    ...['1 tenant', 'runner/runner-1', '', ''],
  ]);
});
