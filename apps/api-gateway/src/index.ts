export { configSchema, type Config } from './config.js';
export { createService, type Overrides } from './service.js';
export { migrations } from './store/migrations/index.js';
