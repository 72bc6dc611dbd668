import { runMain } from '@fairlead/service-runtime';
import { configSchema } from './config.js';
import { createService } from './service.js';

await runMain({ name: 'job-orchestrator', schema: configSchema, createService });
