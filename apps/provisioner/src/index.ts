export { configSchema, type ProvisionerConfig } from './config.js';
export { createService, type ProvisionerOverrides } from './service.js';
export { migrations } from './store/migrations.js';
