import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { issuerOf } from '@fairlead/auth';
import { controlPlaneServices } from '@fairlead/contracts';
import { testFolder } from '@fairlead/testing';
import { handOutSecrets, prepareContainerSecrets } from './container-secrets.js';

const withFleet = { simulatedFleet: true };
const contents = (dir: string) => readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
const namesOf = (files: readonly string[]) => files.map((file) => basename(file)).sort();

describe('the secrets of containers', () => {
  it('are made once', async () => {
    const dir = testFolder('secrets');
    await prepareContainerSecrets(dir, withFleet);
    const before = contents(join(dir, 'secrets'));
    await prepareContainerSecrets(dir, withFleet);
    expect(contents(join(dir, 'secrets'))).toEqual(before);
    expect(before.map(([name]) => statSync(join(dir, 'secrets', name ?? '')).mode & 0o777)).toEqual(before.map(() => 0o600));
  });

  it('go to who needs them and nobody else', async () => {
    const files = await prepareContainerSecrets(testFolder('secrets'), withFleet);
    expect(namesOf(files.placement)).toEqual(['nats-token', 'placement.database-password', 'placement.key.json', 'trust.jwks.json']);
    const readersOf = (name: string) =>
      Object.entries(files)
        .filter(([, own]) => namesOf(own).includes(name))
        .map(([reader]) => reader)
        .sort();
    expect(readersOf('nats-token')).toEqual([...controlPlaneServices].sort());
    expect(readersOf('nats-fleet-token')).toEqual(['fleet-sim']);
    expect(readersOf('identity-key')).toEqual(['api-gateway']);
    expect(readersOf('fleet-token')).toEqual(['fleet-sim', 'provisioner']);
    expect(readersOf('postgres.admin-password')).toEqual(['migrate', 'postgres']);
    expect(readersOf('bootstrap.key.json')).toEqual(['register-fleet']);
    expect(readersOf('audit.key.json')).toEqual(['audit']);
    expect(readersOf('audit.database-password')).toEqual(['audit', 'migrate']);
  });

  it('trust the key that registers the simulated fleet only where there is one, also when it was there before', async () => {
    const dir = testFolder('secrets');
    const trusted = async (simulatedFleet: boolean) => {
      const files = await prepareContainerSecrets(dir, { simulatedFleet });
      const trust = JSON.parse(readFileSync(join(dir, 'secrets/trust.jwks.json'), 'utf8')) as { keys: { kid: string }[] };
      return { issuers: trust.keys.map(({ kid }) => issuerOf(kid)), given: namesOf(files['register-fleet']) };
    };
    const production = await trusted(false);
    expect(production).toEqual({ issuers: [...controlPlaneServices], given: [] });
    expect(readdirSync(join(dir, 'secrets'))).not.toContain('bootstrap.key.json');
    const development = await trusted(true);
    expect(development).toEqual({ issuers: [...controlPlaneServices, 'bootstrap'], given: ['bootstrap.key.json'] });
    expect(await trusted(false)).toEqual(production);
  });

  it('are handed out as copies that their reader alone may read', async () => {
    const files = await prepareContainerSecrets(testFolder('secrets'), withFleet);
    const dir = testFolder('readers');
    handOutSecrets(dir, files);
    handOutSecrets(dir, files);
    expect(readdirSync(dir).sort()).toEqual(Object.keys(files).sort());
    const copies = contents(join(dir, 'provisioner'));
    expect(copies.map(([name]) => name)).toEqual(namesOf(files.provisioner));
    expect(copies.map(([name]) => statSync(join(dir, 'provisioner', name ?? '')).mode & 0o777)).toEqual(copies.map(() => 0o600));
    for (const file of files.provisioner) {
      expect(readFileSync(join(dir, 'provisioner', basename(file)), 'utf8')).toBe(readFileSync(file, 'utf8'));
    }
  });
});
