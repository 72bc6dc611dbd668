/** The NATS configurations, read by the real server. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findNatsServer } from '@fairlead/local-servers';
import { testFolder } from '@fairlead/testing';
import { makeSurroundings, root } from './repository.js';

/** A folder laid out as a container's file system, with the configuration and all secrets. @returns the configuration's path */
async function containerWith(config: string): Promise<string> {
  const folder = testFolder('nats-container');
  const { made, secretFiles } = await makeSurroundings(testFolder('nats-secrets'));
  const more = ['nats.cluster.conf', 'nats.tls.crt', 'nats.tls.key', 'tls-ca.crt'].map((name) => join(secretFiles, name));
  const secrets = [...(made['nats'] ?? []), ...more];
  for (const path of ['etc/nats', 'run/secrets']) mkdirSync(join(folder, path), { recursive: true });
  for (const file of secrets) copyFileSync(file, join(folder, 'run/secrets', basename(file)));
  const target = join(folder, 'etc/nats/fairlead.conf');
  // Certificates are named by paths from the container's root.
  writeFileSync(target, readFileSync(join(root, config), 'utf8').replaceAll('"/run/secrets/', `"${folder}/run/secrets/`));
  const accounts = join(root, dirname(config), 'nats.accounts.conf');
  if (existsSync(accounts)) copyFileSync(accounts, join(folder, 'etc/nats/nats.accounts.conf'));
  return target;
}

function check(config: string): { status: number | null; output: string } {
  const { path } = findNatsServer({ log: () => undefined });
  const { status, stdout, stderr } = spawnSync(path, ['--config', config, '-t'], {
    encoding: 'utf8',
    env: { ...process.env, NATS_SERVER_NAME: 'node-1' },
  });
  return { status, output: `${stdout}${stderr}` };
}

describe('nats.conf', () => {
  it.each(['deploy/nats.conf', 'deploy/swarm/nats.conf'])('%s is one that nats-server takes', async (config) => {
    expect(check(await containerWith(config))).toMatchObject({ status: 0 });
  });

  it('is looked at by this test: one without its secrets is refused', () => {
    expect(check(join(root, 'deploy/nats.conf'))).toMatchObject({ status: 1 });
  });
});
