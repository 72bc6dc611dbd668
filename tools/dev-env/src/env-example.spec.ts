import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { configSchema as gateway } from '@fairlead/api-gateway';
import { configSchema as audit } from '@fairlead/audit';
import { configSchema as observer } from '@fairlead/fleet-observer';
import { configSchema as sim } from '@fairlead/fleet-sim';
import { configSchema as orchestrator } from '@fairlead/job-orchestrator';
import { configSchema as placement } from '@fairlead/placement';
import { configSchema as provisioner } from '@fairlead/provisioner';
import { root } from './paths.js';
import { databaseAccessSchema, databasePasswordsSchema, registerFleetSchema } from './settings.js';

const ofServices = [gateway, audit, observer, sim, orchestrator, placement, provisioner].flatMap((schema) => Object.keys(schema.shape));
const ofScripts = [databaseAccessSchema, databasePasswordsSchema, registerFleetSchema].flatMap((schema) => Object.keys(schema.shape));
const ofClient = ['FAIRLEAD_URL', 'FAIRLEAD_TOKEN', 'FAIRLEAD_CONFIG_DIR'];
const ofTests = [
  'CONTROL_TEST_NATS_URL',
  'CONTROL_TEST_NATS_TOKEN',
  'CHROME_PATH',
  'FAIRLEAD_FAILPOINTS',
  'FAIRLEAD_PROOF',
  'FAIRLEAD_PROOF_SEED',
  'FAIRLEAD_PROOF_MINUTES',
];

describe('.env.example', () => {
  it('lists every setting, once, and nothing that nobody reads', () => {
    const text = readFileSync(join(root, '.env.example'), 'utf8');
    const settings = [...new Set([...ofServices, ...ofScripts, ...ofClient, ...ofTests])];
    // A secret is listed by its file.
    const listed = [...text.matchAll(/^# ([A-Z][A-Z_]+)=/gm)].map(([, name = '']) =>
      settings.includes(name) ? name : name.replace(/_FILE$/, ''),
    );
    expect(listed.sort()).toEqual(settings.sort());
  });
});
