/** Registers the simulated fleet with a running Fairlead. Safe to repeat. Settings come from the environment. */
import { createTokenSigner, parsePrivateJwk } from '@fairlead/auth';
import { ConfigError, loadConfig } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import { configurationExitCode } from '@fairlead/service-runtime';
import { seedFleet } from './seed.js';
import { registerFleetSchema } from './settings.js';

const timeoutMs = 120_000;

try {
  const config = loadConfig(registerFleetSchema, process.env);
  const signer = await createTokenSigner({ privateJwk: parsePrivateJwk(config.SERVICE_KEY) });
  const { shards, tenants } = await seedFleet({
    gatewayUrl: config.FAIRLEAD_URL,
    simUrl: config.SIM_URL,
    token: await signer.serviceToken(),
    signal: AbortSignal.timeout(timeoutMs),
  });
  console.log(`Registered ${String(shards)} shards and ${String(tenants)} tenants of the simulated fleet`);
} catch (error) {
  console.error(`The simulated fleet can't be registered: ${describeError(error)}`);
  process.exitCode = error instanceof ConfigError ? configurationExitCode : 1;
}
