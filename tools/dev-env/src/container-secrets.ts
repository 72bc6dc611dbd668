/**
 * The secrets of an installation in containers. A secret has one name everywhere: it is a file `<dir>/secrets/<name>`, a
 * Swarm secret of that name, and `/run/secrets/<name>` in a container.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { readIfThere, writeWhole } from './files.js';
import { natsAccounts } from './nats-accounts.js';
import { prepareSecrets, readSecret, type Secrets } from './secrets.js';

/** Who reads secrets: the services, the servers they need, and what runs once. */
export type SecretReader = ControlPlaneService | 'postgres' | 'nats' | 'migrate' | 'fleet-sim' | 'register-fleet';

/** The name under which a NATS cluster's servers find each other. */
const natsRoutesHost = 'nats-routes';

/**
 * Makes the secrets that `<dir>/secrets` has not got yet; those that it has stay as they are.
 * @param options simulatedFleet: with the key that registers the simulated fleet, and the services trust it
 * @returns the files that each reader needs, and no others
 */
export async function prepareContainerSecrets(dir: string, options: { simulatedFleet: boolean }): Promise<Record<SecretReader, string[]>> {
  const secrets = await prepareSecrets(dir, options);
  const made = (name: string, text: () => string): string => {
    const file = join(dir, 'secrets', name);
    if (readIfThere(file) === undefined) writeWhole(file, text());
    return file;
  };
  const adminPassword = made('postgres.admin-password', () => `${randomBytes(32).toString('base64url')}\n`);
  // Parts of nats.conf, which includes them. This one is made anew of the passwords each time.
  const natsAuth = join(dir, 'secrets/nats.auth.conf');
  const passwords = { token: readSecret(secrets.natsToken), fleetToken: readSecret(secrets.natsFleetToken) };
  writeWhole(natsAuth, natsAccounts({ ...passwords, namespace: '' }));
  made('nats.cluster.conf', () => {
    const password = randomBytes(32).toString('base64url');
    const route = `nats://fairlead:${password}@${natsRoutesHost}:6222`;
    return `authorization { user: fairlead, password: ${JSON.stringify(password)}, timeout: 3 }\nroutes: [${JSON.stringify(route)}]\n`;
  });
  return {
    ...(Object.fromEntries(controlPlaneServices.map((service) => [service, secretsOf(secrets, service)])) as Record<
      ControlPlaneService,
      string[]
    >),
    postgres: [adminPassword],
    nats: [natsAuth],
    migrate: [adminPassword, ...Object.values(secrets.databasePasswords)],
    'fleet-sim': [secrets.fleetToken, secrets.natsFleetToken],
    'register-fleet': secrets.bootstrapKey === undefined ? [] : [secrets.bootstrapKey],
  };
}

function secretsOf(secrets: Secrets, service: ControlPlaneService): string[] {
  const own = [secrets.databasePasswords[service], secrets.keys[service], secrets.trustJwks, secrets.natsToken];
  if (service === 'api-gateway') return [...own, secrets.identityKey];
  return service === 'provisioner' ? [...own, secrets.fleetToken] : own;
}

/** Gives each reader a folder `<dir>/<reader>` with copies of its own secrets, mode 0600. */
export function handOutSecrets(dir: string, files: Readonly<Record<string, readonly string[]>>): void {
  for (const [reader, own] of Object.entries(files)) {
    mkdirSync(join(dir, reader), { recursive: true, mode: 0o700 });
    for (const file of own) writeWhole(join(dir, reader, basename(file)), readFileSync(file, 'utf8'));
  }
}
