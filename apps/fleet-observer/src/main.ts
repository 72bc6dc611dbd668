import { runMain } from '@fairlead/service-runtime';
import { configSchema, createService } from './index.js';

await runMain({ name: 'fleet-observer', schema: configSchema, createService });
