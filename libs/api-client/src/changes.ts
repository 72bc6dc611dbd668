/** What can be planned and then run as a job: the operations that do so, by the job's kind. */
export const changeOperations = {
  'tenant-migrate': { plan: 'plans.migrate', start: 'jobs.migrate' },
  'tenants-migrate': { plan: 'plans.migrateMany', start: 'jobs.migrateMany' },
  rebalance: { plan: 'plans.rebalance', start: 'jobs.rebalance' },
  'shard-decommission': { plan: 'plans.decommission', start: 'jobs.decommission' },
  'shard-drain': { plan: 'drains.planDrainShard', start: 'drains.drainShard' },
  'shard-resume': { plan: 'drains.planResumeShard', start: 'drains.resumeShard' },
  'node-drain': { plan: 'drains.planDrainNode', start: 'drains.drainNode' },
  'node-resume': { plan: 'drains.planResumeNode', start: 'drains.resumeNode' },
  'tenant-drain': { plan: 'plans.drain', start: 'jobs.drain' },
  'tenant-resume': { plan: 'plans.resume', start: 'jobs.resume' },
  'config-apply': { plan: 'plans.configApply', start: 'jobs.configApply' },
  'config-rollback': { plan: 'plans.configRollback', start: 'jobs.configRollback' },
  reload: { plan: 'plans.reload', start: 'jobs.reload' },
} as const;

export type ChangeKind = keyof typeof changeOperations;

/** True for a kind of job that this client can start. */
export function isChangeKind(kind: string): kind is ChangeKind {
  return Object.hasOwn(changeOperations, kind);
}
