/** The deployment files are right, and the checks that say so would notice if they were not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneServices } from '@fairlead/contracts';
import { mistakes } from './mistakes.js';
import { readDeployment, type Sources } from './model.js';
import { problemsOf, type Surroundings } from './problems.js';
import { makeSurroundings, readSources } from './repository.js';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-deploy-'));
let around: Surroundings;
beforeAll(async () => {
  around = await makeSurroundings(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('Compose, Swarm and Dockerfile fit together, and fit what the services read', () => {
  expect(problemsOf(readSources(), around)).toEqual([]);
});

it.each(['placement', 'provisioner', 'fleet-observer'])('Swarm passes the networks of managed services on to %s', (name) => {
  const { files } = readDeployment(readSources());
  const service = files.flatMap(({ services }) => services).find(({ where }) => where === `deploy/swarm/fairlead.yml: ${name}`);
  expect(service?.environment).toHaveProperty('FLEET_ALLOWED_CIDRS');
});

it.each(controlPlaneServices)('Swarm has %s speak TLS with its own certificate', (name) => {
  const { files } = readDeployment(readSources());
  const service = files.flatMap(({ services }) => services).find(({ where }) => where === `deploy/swarm/fairlead.yml: ${name}`);
  expect(service?.environment).toMatchObject({
    TLS_CERT_FILE: `/run/secrets/${name}.tls.crt`,
    TLS_KEY_FILE: `/run/secrets/${name}.tls.key`,
    TLS_CA_FILE: '/run/secrets/tls-ca.crt',
  });
  // And with what it keeps its data in, and hears of changes by.
  expect(service?.environment['NATS_URL']).toMatch(/^tls:/);
  const { searchParams } = new URL(service?.environment['DATABASE_URL'] ?? '');
  expect(Object.fromEntries(searchParams)).toEqual({ sslmode: 'verify-full', sslrootcert: '/run/secrets/tls-ca.crt' });
});

describe('the checks notice', () => {
  it.each(mistakes)('$what ($file)', ({ file, from, to, said }) => {
    const sources = readSources();
    const text = sources[file] ?? '';
    const broken = text.replace(from, () => to);
    expect(broken).not.toBe(text);
    const changed: Sources = { ...sources, [file]: broken };
    const problems = problemsOf(changed, around);
    if (typeof said === 'string') expect(problems).toContain(said);
    else expect(problems).toEqual(expect.arrayContaining([expect.stringMatching(said)]));
  });
});
