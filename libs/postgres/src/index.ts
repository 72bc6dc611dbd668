export * from './database.js';
export * from './idempotency.js';
export { isConnectionError, sqlState } from './errors.js';
export { type Pipeline } from './pipeline.js';
export * from './prepare.js';
export { type Sql } from './sql.js';
