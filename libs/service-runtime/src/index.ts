export { baseConfig, databaseConfig, grpcConfig, natsConfig, serviceConfig, type ServiceConfig } from './config.js';
export { readinessOf, type ReadinessCheck, type ReadinessReport } from './health.js';
export { configurationExitCode, runMain, stopTimeoutMs } from './main.js';
export { openResources, type ResourceOptions, type ServiceResources } from './resources.js';
export { startService, type RunningService, type StartOptions } from './service.js';
