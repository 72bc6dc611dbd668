/** `<state>/secrets`: made once, read by the owner alone. Services get the paths, never the values. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { generateSigningKey, parsePrivateJwk, type PublicJwk } from '@fairlead/auth';
import { controlPlaneServices, type ControlPlaneService, type ServiceName } from '@fairlead/contracts';
import { readIfThere, writeWhole } from './files.js';

export interface Secrets {
  /** Files with the password of each service's database role. */
  readonly databasePasswords: Readonly<Record<ControlPlaneService, string>>;
  /** Files with each service's private key. */
  readonly keys: Readonly<Record<ControlPlaneService, string>>;
  /** File with the private key that registers the simulated fleet; undefined where there is none, and nobody trusts such a key. */
  readonly bootstrapKey: string | undefined;
  /** File with the public keys that every service trusts. */
  readonly trustJwks: string;
  /** File with the key under which the gateway stores the secrets of second factors. It is kept with the database's backups: without it they can't be read. */
  readonly identityKey: string;
  /** File with what managed services accept commands with. */
  readonly fleetToken: string;
  /** Files with the NATS passwords of the control plane and of managed services. */
  readonly natsToken: string;
  readonly natsFleetToken: string;
}

/** Makes the secrets that a state folder has not got yet, and says anew whom to trust. */
export async function prepareSecrets(stateDir: string, options: { simulatedFleet: boolean }): Promise<Secrets> {
  const dir = join(stateDir, 'secrets');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const publicKeys: PublicJwk[] = [];
  const issuers: readonly ServiceName[] = options.simulatedFleet ? [...controlPlaneServices, 'bootstrap'] : controlPlaneServices;
  const keyOf = (issuer: ServiceName) => join(dir, `${issuer}.key.json`);
  for (const issuer of issuers) publicKeys.push(await publicKeyOf(keyOf(issuer), issuer));
  const trustJwks = join(dir, 'trust.jwks.json');
  writeWhole(trustJwks, `${JSON.stringify({ keys: publicKeys }, null, 2)}\n`);
  return {
    databasePasswords: record(controlPlaneServices, (service) => token(join(dir, `${service}.database-password`))),
    keys: record(controlPlaneServices, keyOf),
    bootstrapKey: options.simulatedFleet ? keyOf('bootstrap') : undefined,
    trustJwks,
    identityKey: token(join(dir, 'identity-key')),
    fleetToken: token(join(dir, 'fleet-token')),
    natsToken: token(join(dir, 'nats-token')),
    natsFleetToken: token(join(dir, 'nats-fleet-token')),
  };
}

/** The value in a secret's file. */
export function readSecret(file: string): string {
  return (readIfThere(file) ?? '').trim();
}

async function publicKeyOf(file: string, issuer: string): Promise<PublicJwk> {
  const existing = readIfThere(file);
  if (existing === undefined) {
    const { privateJwk, publicJwk } = await generateSigningKey(issuer);
    writeWhole(file, `${JSON.stringify(privateJwk)}\n`);
    return publicJwk;
  }
  const { d: _secret, ...publicJwk } = parsePrivateJwk(existing);
  return publicJwk;
}

function token(file: string): string {
  if (readIfThere(file) === undefined) writeWhole(file, `${randomBytes(32).toString('base64url')}\n`);
  return file;
}

function record<Key extends string, Value>(keys: readonly Key[], valueOf: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<Key, Value>;
}
