export { ConfigError, loadConfig, type Env } from './load.js';
export { spanTarget, tracingConfig } from './tracing.js';
export * as field from './fields.js';
export { syncFolder, writeFileAtomically } from './write.js';
