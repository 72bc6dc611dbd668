import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import { configSchema } from './config.js';
import { createSim } from './sim.js';

/** A wrong configuration (EX_CONFIG): starting again does not help. */
const configurationExitCode = 78;
const stopTimeoutMs = 20_000;

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write('Runs the simulated fleet. Settings come from the environment (each also as NAME_FILE):\n');
    for (const name of Object.keys(configSchema.shape)) process.stdout.write(`  ${name}\n`);
    return;
  }
  const stopRequested = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => {
      resolve();
    });
    process.once('SIGINT', () => {
      resolve();
    });
  });
  const sim = await createSim(loadConfig(configSchema, process.env));
  await stopRequested;
  // A part that hangs must not keep the process for ever.
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
  await sim.stop();
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(`fleet-sim can't start: ${describeError(error)}\n`);
  process.exit(error instanceof ConfigError ? configurationExitCode : 1);
});
