export { ConfigError, loadConfig, type Env } from './load.js';
export * as field from './fields.js';
