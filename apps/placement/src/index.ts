export { configSchema, type Config } from './config.js';
export { createService, type Overrides } from './service.js';
export { planRebalance } from './tenants/domain/rebalance/plan.js';
export type { Goal, RebalancePlan, Snapshot } from './tenants/domain/rebalance/types.js';
export { afterRestoreSql } from './tenants/store/meta.js';
export { migrations } from './store/migrations/index.js';
