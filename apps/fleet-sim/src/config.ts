import { z } from 'zod';
import { field, tracingConfig } from '@fairlead/config';
import { tlsConfig } from '@fairlead/tls';

/** Settings of the simulated fleet, from the environment. */
export const configSchema = z.object({
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'not a log level').default('info'),
  FAIRLEAD_VERSION: field.text().default('0.1.0'),
  FAIRLEAD_GIT_SHA: field.text().default('unknown'),
  ...tracingConfig,
  /** What administrative commands have to carry. */
  FLEET_TOKEN: field.text(),
  NATS_URL: field.url('nats', 'tls'),
  /** One who may read placement is enough. */
  NATS_USER: field.text().optional(),
  NATS_TOKEN: field.text().optional(),
  /** The certificate of `fleet`, for a NATS by TLS. */
  ...tlsConfig,
  NATS_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9_-]{0,32}$/, 'up to 32 lower-case letters, digits, _ or -')
    .default(''),
  /** Everything the fleet keeps: ledgers, snapshots, ports, sim.json. */
  SIM_STATE_DIR: field.text(),
  /** Where placement/dev.json and routing/dev.json are read until KV gives a placement. */
  SIM_PLACEMENT_FILES_DIR: field.text().optional(),
  SIM_HOST: field.text().default('127.0.0.1'),
  /** First of a row of fixed ports; 0 lets the system choose once and remembers the choice in SIM_PORTS_FILE. */
  SIM_PORT_BASE: field.port().default(0),
  /** Default: ports.json in SIM_STATE_DIR. */
  SIM_PORTS_FILE: field.text().optional(),
  /** Port of the control server; 0 as above. */
  SIM_REPORT_PORT: field.port().default(0),
  SIM_TENANTS: field.integer({ min: 1, max: 1000 }).default(20),
  /** Commands per second in all; 0 for no load. */
  SIM_RATE: field.integer({ min: 0, max: 5000 }).default(240),
  /** Shards per kind that tenants are placed on. */
  SIM_SHARDS: field.integer({ min: 2, max: 16 }).default(2),
  SIM_GATEWAYS: field.integer({ min: 1, max: 8 }).default(2),
});

export type SimConfig = z.output<typeof configSchema>;
