// Holds docs/configuration-inventory.md to what there is, in both directions.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { configSchema as gateway } from '@fairlead/api-gateway';
import { configSchema as audit } from '@fairlead/audit';
import { configDomains, controlPlaneServices, dataAccess, topology } from '@fairlead/contracts';
import { configSchema as observer } from '@fairlead/fleet-observer';
import { configSchema as sim } from '@fairlead/fleet-sim';
import { configSchema as orchestrator } from '@fairlead/job-orchestrator';
import { configSchema as placement } from '@fairlead/placement';
import { configSchema as provisioner } from '@fairlead/provisioner';
import { root } from './paths.js';

const schemas = {
  ...{ 'api-gateway': gateway, audit, 'fleet-observer': observer, 'fleet-sim': sim },
  ...{ 'job-orchestrator': orchestrator, placement, provisioner },
};
const page = readFileSync(join(root, 'docs/configuration-inventory.md'), 'utf8');

/** The rows of a section's table, each as its cells. */
function rowsOf(section: string): string[][] {
  const [, text = ''] = page.split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  const lines = own.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
const firstOf = (section: string) => rowsOf(section).flatMap(([what]) => quoted(what));

describe('the inventory of configuration', () => {
  it('lists every setting of every service with those who read it, and none that nobody reads', () => {
    const listed = rowsOf('Settings').flatMap(([settings, readers = '']) => {
      const services = [...(/^all\b/.test(readers) ? controlPlaneServices : []), ...quoted(readers)];
      return quoted(settings).flatMap((name) => services.map((service) => `${service} ${name}`));
    });
    const read = Object.entries(schemas).flatMap(([service, { shape }]) => Object.keys(shape).map((name) => `${service} ${name}`));
    expect(read.length).toBeGreaterThan(200);
    expect(listed.sort()).toEqual(read.sort());
  });

  it('lists every KV bucket and every domain of configuration', () => {
    const buckets = Object.values(topology('').buckets).map(({ name }) => name);
    expect(firstOf('In NATS').sort()).toEqual(buckets.sort());
    expect(firstOf('Documents of the registry').sort()).toEqual([...configDomains].sort());
  });

  it('lists tables that there are', () => {
    const listed = firstOf('Tables');
    expect(listed.length).toBeGreaterThan(10);
    expect(listed.filter((name) => !Object.hasOwn(dataAccess, name))).toEqual([]);
  });

  it('lists every variable, config and secret of the deployment files', () => {
    const stacks = join(root, 'deploy/swarm');
    const files = [
      join(root, 'docker-compose.yml'),
      ...readdirSync(stacks)
        .filter((name) => name.endsWith('.yml'))
        .map((name) => join(stacks, name)),
    ].map((file) => readFileSync(file, 'utf8'));
    const variables = files.flatMap((text) => [...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name));
    const secrets = files.flatMap((text) => [...text.matchAll(/name: '?fairlead\.([a-z_.-]+)\.\$\{/g)].map(([, name = '']) => name));
    const ofServices = new RegExp(`^(${controlPlaneServices.join('|')})\\.`);
    const there = [...variables, ...secrets.map((name) => name.replace(ofServices, '<service>.'))];
    expect(firstOf('Deployment files').sort()).toEqual([...new Set(there)].sort());
  });

  it('says of everything what kind it is', () => {
    const rows = ['Settings', 'Files', 'Deployment files', 'Documents of the registry', 'Tables', 'In NATS'].map(rowsOf);
    expect(rows.every((section) => section.length > 0)).toBe(true);
    expect(new Set(rows.flat().map(([, , kind]) => kind))).toEqual(new Set(['static boot', 'dynamic runtime', 'large immutable artefact']));
  });
});
