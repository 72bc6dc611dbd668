/** The names of the kinds in `index.ts`, for settings, which are read before there are kinds. */
export const jobKindNames: readonly string[] = [
  'tenant-migrate',
  'tenants-migrate',
  'rebalance',
  'shard-decommission',
  'shard-drain',
  'shard-resume',
  'node-drain',
  'node-resume',
  'tenant-drain',
  'tenant-resume',
  'reload',
  'config-apply',
  'config-rollback',
];
