export { configSchema, type FleetObserverConfig } from './config.js';
export { createService, type FleetObserverOverrides } from './service.js';
export { migrations } from './store/migrations.js';
