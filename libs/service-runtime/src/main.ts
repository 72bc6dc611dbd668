import type { z } from 'zod';
import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import type { RunningService } from './service.js';

/** The exit code of a process whose configuration is wrong (EX_CONFIG): restarting it does not help. */
export const configurationExitCode = 78;
const stopTimeoutMs = 25_000;

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
  let stopRequested = false;
  let service: RunningService | undefined;
  const stop = () => {
    stopRequested = true;
    if (service === undefined) return;
    // A part that hangs must not keep the process for ever.
    setTimeout(() => process.exit(1), stopTimeoutMs).unref();
    void service.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    service = await options.createService(loadConfig(options.schema, process.env));
    if (stopRequested) stop();
  } catch (error) {
    process.stderr.write(`${options.name} can't start: ${describeError(error)}\n`);
    process.exit(error instanceof ConfigError ? configurationExitCode : 1);
  }
}
