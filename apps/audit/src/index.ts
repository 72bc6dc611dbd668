export { configSchema, type AuditConfig } from './config.js';
export { createService } from './service.js';
export { migrations } from './store/migrations.js';
export { listRecords as listTrail, type RecordFilter } from './projections/audit-record/query.js';
