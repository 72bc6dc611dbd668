/** Which settings each script of the image takes, and how a container's environment is read by it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema as gateway } from '@fairlead/api-gateway';
import { configSchema as audit } from '@fairlead/audit';
import { ConfigError, loadConfig } from '@fairlead/config';
import { databaseAccessSchema, databasePasswordsSchema, registerFleetSchema } from '@fairlead/dev-env';
import { configSchema as observer } from '@fairlead/fleet-observer';
import { configSchema as sim } from '@fairlead/fleet-sim';
import { configSchema as orchestrator } from '@fairlead/job-orchestrator';
import { configSchema as placement } from '@fairlead/placement';
import { configSchema as provisioner } from '@fairlead/provisioner';
import { z } from 'zod';
import type { DeployedService } from './model.js';

const schemas: Readonly<Record<string, z.ZodObject>> = {
  'apps/api-gateway/dist/main.js': gateway,
  'apps/audit/dist/main.js': audit,
  'apps/fleet-observer/dist/main.js': observer,
  'apps/fleet-sim/dist/main.js': sim,
  'apps/job-orchestrator/dist/main.js': orchestrator,
  'apps/placement/dist/main.js': placement,
  'apps/provisioner/dist/main.js': provisioner,
  'tools/dev-env/dist/db.js': databaseAccessSchema.extend(databasePasswordsSchema.shape),
  'tools/dev-env/dist/register-fleet.js': registerFleetSchema,
  'tools/dev-env/dist/make-secrets.js': z.object({}),
};

const secretsFolder = '/run/secrets/';

/** Settings that hold a secret: they are given by files alone. */
const secretSetting = /(PASSWORD|TOKEN|SERVICE_KEY|IDENTITY_KEY|TLS_KEY)(_FILE)?$|^DATABASE_PASSWORD_/;

/** A service's own configuration, read by its real schema; undefined when the image has no such script. */
export function configOf(service: DeployedService, secretFiles: string): { config?: Record<string, unknown>; problems: string[] } {
  const script = service.spec.command[0] ?? '';
  const schema = schemas[script];
  if (schema === undefined) return { problems: [`${service.where}: nobody knows the settings of ${script}`] };
  const problems = Object.keys(service.environment)
    .filter((name) => !(name in schema.shape) && !(name.endsWith('_FILE') && name.slice(0, -'_FILE'.length) in schema.shape))
    .map((name) => `${service.where}: ${name} is no setting of ${script}`);
  try {
    const env = Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, onThisMachine(value, secretFiles)]));
    return { config: loadConfig(schema, env), problems };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: [...problems, ...error.problems.map((problem) => `${service.where}: ${problem}`)] };
  }
}

/** A secret's file in a container, where it is on this machine. */
function onThisMachine(value: string, secretFiles: string): string {
  return value.startsWith(secretsFolder) ? join(secretFiles, value.slice(secretsFolder.length)) : value;
}

/** Names of the secrets that a service is told to read: by its settings, its command, or what its configuration names. */
export function secretsRead(service: DeployedService, configTexts: readonly string[]): Set<string> {
  const texts = [...Object.values(service.environment), ...service.spec.command, ...configTexts];
  return new Set(texts.flatMap((text) => [...text.matchAll(/run\/secrets\/([\w.-]+)/g)].map(([, name = '']) => name)));
}

/** Secrets that stand in a file itself, where everybody reads them. */
export function inlineSecrets(service: DeployedService, secretFiles: string): string[] {
  return Object.entries(service.environment).flatMap(([name, value]) => {
    if (URL.canParse(value) && new URL(value).password !== '') return [`${service.where}: the URL in ${name} holds a password`];
    if (!secretSetting.test(name)) return [];
    if (!name.endsWith('_FILE')) return [`${service.where}: ${name} is a secret: give it as ${name}_FILE`];
    if (!value.startsWith(secretsFolder)) return [`${service.where}: ${name} is not below ${secretsFolder}`];
    const file = onThisMachine(value, secretFiles);
    return existsSync(file) && readFileSync(file).length > 0 ? [] : [`${service.where}: no secret is made for ${value}`];
  });
}
