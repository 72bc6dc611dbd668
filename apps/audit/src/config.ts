import { z } from 'zod';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';

/** The settings of the audit service. */
export const configSchema = z.object({ ...baseConfig, ...grpcConfig, ...databaseConfig, ...natsConfig });

export type AuditConfig = z.output<typeof configSchema>;
