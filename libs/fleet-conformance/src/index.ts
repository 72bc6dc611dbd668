export { NotChecked } from './broken.js';
export { checkConformance, rules, testTenant, type ConformanceOptions, type ConformanceReport, type RuleVerdict } from './check.js';
export type { TenantCopy } from './test-tenant.js';
export type { Rule } from './rule.js';
