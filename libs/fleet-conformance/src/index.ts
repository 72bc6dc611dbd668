export { NotChecked } from './broken.js';
export { checkConformance, rules, type ConformanceOptions, type ConformanceReport, type RuleVerdict } from './check.js';
export { testTenant, type TenantCopy } from './test-tenant.js';
export type { Rule } from './rule.js';
