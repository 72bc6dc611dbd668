import type { z } from 'zod';
import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import type { RunningService } from './service.js';

/** The exit code of a process whose configuration is wrong (EX_CONFIG): restarting it does not help. */
export const configurationExitCode = 78;
/** A service that was told to stop is gone after this long; whoever would kill it has to wait longer. */
export const stopTimeoutMs = 25_000;

/** A service's process: environment → configuration → service → signals. SIGTERM and SIGINT drain it. */
export async function runMain<Shape extends z.ZodRawShape>(options: {
  name: string;
  schema: z.ZodObject<Shape>;
  createService: (config: z.output<z.ZodObject<Shape>>) => Promise<RunningService>;
}): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`Runs Fairlead's ${options.name}. Settings come from the environment (each also as NAME_FILE):\n`);
    for (const name of Object.keys(options.schema.shape)) process.stdout.write(`  ${name}\n`);
    return;
  }
  // A signal that comes while the service still starts is obeyed once it has.
  const stopRequested = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  });
  let service: RunningService;
  try {
    service = await options.createService(loadConfig(options.schema, process.env));
  } catch (error) {
    process.stderr.write(`${options.name} can't start: ${describeError(error)}\n`);
    process.exit(error instanceof ConfigError ? configurationExitCode : 1);
  }
  await stopRequested;
  // A part that hangs must not keep the process for ever.
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
  await service.stop();
  process.exit(0);
}
