import { expectProblem, expectTrue, isCount, shown } from '../expect.js';
import { NotChecked } from '../broken.js';
import type { Bench, Rule } from '../rule.js';
import type { Answer } from '../service.js';
import { expectVersion } from './every-service.js';

/** G: gateways. What they do with commands on their way shows only in a whole fleet. */
export const gatewayRules: readonly Rule[] = [
  { id: 'G1', mandatory: true, of: 'gateways', title: 'GET /admin/state tells the placement it routes by', check: applied },
  {
    id: 'G2',
    mandatory: true,
    of: 'gateways',
    title: 'whole snapshots, never an older one',
    unseen: 'it takes placements that only a publisher may write',
  },
  { id: 'G3', mandatory: true, of: 'gateways', title: 'commands are kept while their tenant moves', unseen: 'it takes a migration' },
  { id: 'G4', mandatory: true, of: 'gateways', title: 'tenant_moved is followed', unseen: 'it takes a migration' },
  { id: 'G5', mandatory: true, of: 'gateways', title: 'it serves on without the control plane', unseen: 'it takes an outage' },
  {
    id: 'G6',
    mandatory: false,
    of: 'gateways',
    title: 'the configuration in force, or the candidate that names it',
    unseen: 'it takes documents that only a publisher may write',
  },
  { id: 'G7', mandatory: false, of: 'gateways', title: 'GET /admin/state tells the configuration it goes by', check: configuration },
  { id: 'G8', mandatory: false, of: 'gateways', title: 'GET /admin/resolve tells the route of a request', check: resolves },
];

async function applied({ service }: Bench): Promise<void> {
  expectVersion('GET /admin/state', await service.get('/admin/state'));
}

async function configuration({ service }: Bench): Promise<void> {
  expectConfig(await service.get('/admin/state'));
}

/** Throws Broken unless an answer of GET /admin/state tells each document whole; NotChecked when it goes by none. */
export function expectConfig(answer: Answer): void {
  const { config } = answer.body;
  if (config === undefined) throw new NotChecked('it goes by no configuration documents');
  expectTrue(typeof config === 'object' && config !== null, 'an object as config', shown(answer));
  for (const [path, version] of Object.entries(config as Record<string, Record<string, unknown> | null>)) {
    const { epoch, revision, sha256 } = version ?? {};
    const isWhole = isCount(epoch) && isCount(revision) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
    expectTrue(isWhole, `epoch, revision and sha256 of ${path}`, JSON.stringify(version));
  }
}

async function resolves({ service }: Bench): Promise<void> {
  const asked = '/admin/resolve?host=no-such-host.invalid&path=%2Fconformance';
  const answer = await service.get(asked);
  if (answer.status === 200) {
    const { route, revision } = answer.body;
    expectTrue(typeof route === 'string' && isCount(revision), `route and revision for GET ${asked}`, shown(answer));
  } else expectProblem(`GET ${asked}`, answer, 404, 'not_found');
}
