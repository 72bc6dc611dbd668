import type { ChildJobs } from '../engine/children.js';
import type { JobKind } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { configApply, configRollback } from './config-change.js';
import { nodeDrain, nodeResume } from './node-drain.js';
import { rebalance } from './rebalance.js';
import { reload } from './reload.js';
import { shardDecommission } from './shard-decommission.js';
import { shardDrain, shardResume } from './shard-drain.js';
import { tenantDrain } from './tenant-drain.js';
import { tenantMigrate } from './tenant-migrate.js';
import { tenantResume } from './tenant-resume.js';
import { tenantsMigrate } from './tenants-migrate.js';
import { Turns } from './turns.js';

/** Every job kind there is. A new one is a file beside these and a line here. */
export function jobKinds(deps: KindDependencies, children: ChildJobs): JobKind[] {
  return [
    tenantMigrate(deps, new Turns(deps.settings.maxPaused)),
    tenantsMigrate(deps, children),
    rebalance(deps, children),
    shardDecommission(deps, children),
    shardDrain(deps, children),
    shardResume(deps, children),
    nodeDrain(deps, children),
    nodeResume(deps, children),
    tenantDrain(deps),
    tenantResume(deps),
    reload(deps),
    configApply(deps),
    configRollback(deps),
  ] as JobKind[];
}
