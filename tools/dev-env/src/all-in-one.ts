/** The process that holds all six services; each has its own settings, database role, log file and ports. */
import { openSync, writeSync } from 'node:fs';
import { configSchema as gatewayConfig, createService as createGateway } from '@fairlead/api-gateway';
import { configSchema as auditConfig, createService as createAudit } from '@fairlead/audit';
import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError, type ControlPlaneService } from '@fairlead/contracts';
import { configSchema as observerConfig, createService as createObserver } from '@fairlead/fleet-observer';
import { configSchema as orchestratorConfig, createService as createOrchestrator } from '@fairlead/job-orchestrator';
import { configSchema as placementConfig, createService as createPlacement } from '@fairlead/placement';
import { configSchema as provisionerConfig, createService as createProvisioner } from '@fairlead/provisioner';
import { configurationExitCode, type RunningService } from '@fairlead/service-runtime';
import { createLogger, type Logger } from '@fairlead/telemetry';
import type { z } from 'zod';
import { withSettings, type Settings } from './services.js';

/** Holds `{service: {settings, logFile}}` as JSON. */
const variable = 'FAIRLEAD_ALL_IN_ONE';
const stopTimeoutMs = 28_000;

type Starter = (env: NodeJS.ProcessEnv, logFile: string) => Promise<RunningService>;

function starter<Shape extends z.ZodRawShape>(
  service: ControlPlaneService,
  schema: z.ZodObject<Shape>,
  create: (config: z.output<z.ZodObject<Shape>>, overrides: { logger: Logger }) => Promise<RunningService>,
): Starter {
  return (env, logFile) => {
    const fd = openSync(logFile, 'a', 0o600);
    const destination = { write: (line: string) => writeSync(fd, line) };
    return create(loadConfig(schema, env), { logger: createLogger({ service, level: env['LOG_LEVEL'] ?? 'info', destination }) });
  };
}

/** In the order of stopping: who asks before who answers. */
const services: Record<ControlPlaneService, Starter> = {
  'api-gateway': starter('api-gateway', gatewayConfig, createGateway),
  'job-orchestrator': starter('job-orchestrator', orchestratorConfig, createOrchestrator),
  'fleet-observer': starter('fleet-observer', observerConfig, createObserver),
  provisioner: starter('provisioner', provisionerConfig, createProvisioner),
  audit: starter('audit', auditConfig, createAudit),
  placement: starter('placement', placementConfig, createPlacement),
};

async function startAll(): Promise<RunningService[]> {
  const given = JSON.parse(process.env[variable] ?? '{}') as Record<string, { settings: Settings; logFile: string } | undefined>;
  const names = Object.keys(services) as ControlPlaneService[];
  const results = await Promise.allSettled(
    names.map(async (name) =>
      services[name](withSettings(process.env, given[name]?.settings ?? {}), given[name]?.logFile ?? `${name}.log`),
    ),
  );
  const running = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: names[index], reason: result.reason as unknown }] : [],
  );
  if (failures.length === 0) return running;
  for (const { name, reason } of failures) process.stderr.write(`${name ?? ''} can't start: ${describeError(reason)}\n`);
  await stopAll(running);
  process.exit(failures.some(({ reason }) => reason instanceof ConfigError) ? configurationExitCode : 1);
}

async function stopAll(running: readonly RunningService[]): Promise<void> {
  for (const service of running) await service.stop();
}

const stopRequested = new Promise<void>((resolve) => {
  process.on('SIGTERM', () => {
    resolve();
  });
});
const running = await startAll();
await stopRequested;
// A part that hangs must not keep the process for ever.
setTimeout(() => process.exit(1), stopTimeoutMs).unref();
await stopAll(running);
process.exit(0);
