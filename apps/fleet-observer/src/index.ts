export { configSchema, type FleetObserverConfig } from './config.js';
export { createService, type FleetObserverOverrides } from './service.js';
export { probeEndpoint } from './sensing/probe.js';
export { migrations } from './store/migrations.js';
export { observeFleet, type FleetObservation } from './tasks/observe-fleet.js';
