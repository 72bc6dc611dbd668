import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readPlacementFiles } from '@fairlead/placement-map/files';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let dir: string;

const shard = (port: number) => ({
  endpoints: [{ endpoint_id: 'one', url: `http://127.0.0.1:${port}` }],
  weight: 3,
  labels: { zone: 'a' },
  state: 'cordoned',
  revision: 7,
  tenants: 1,
});
const placement = {
  epoch: 2,
  revision: 41,
  published_revision: 40,
  aggregate_placement: { acme: { shard: 'aggregate-1' } },
  projection_placement: {},
  runner_placement: { acme: { shard: 'runner-1' } },
  shards: { gateway: {}, aggregate: { 'aggregate-1': shard(1) }, projection: {}, runner: { 'runner-1': shard(2) } },
};

beforeEach(async () => {
  stage = await startStage();
  dir = join(stage.dir, 'config');
});

afterEach(() => stage.stop());

describe('fairlead placement export', () => {
  it('writes the placement in effect to files that gateways read', async () => {
    stage.gateway.on('GET /admin/v1/placement', { body: placement });
    const { exitCode, out } = await stage.run(['placement', 'export', dir]);
    expect(exitCode).toBe(exitCodes.ok);
    expect(out).toContain(join(dir, 'placement/dev.json'));
    const spec = { weight: 3, labels: { zone: 'a' }, state: 'cordoned' };
    const endpoints = (port: number) => [{ endpointId: 'one', url: `http://127.0.0.1:${port}` }];
    expect(await readPlacementFiles(dir)).toEqual({
      epoch: 2,
      revision: 41,
      maps: { aggregate: new Map([['acme', 'aggregate-1']]), projection: new Map(), runner: new Map([['acme', 'runner-1']]) },
      shards: [
        { kind: 'aggregate', shardId: 'aggregate-1', endpoints: endpoints(1), ...spec },
        { kind: 'runner', shardId: 'runner-1', endpoints: endpoints(2), ...spec },
      ],
    });
    expect(JSON.parse((await stage.run(['placement', 'export', dir, '-o', 'json'])).out)).toEqual({
      epoch: 2,
      revision: 41,
      files: { placement: join(dir, 'placement/dev.json'), routing: join(dir, 'routing/dev.json') },
    });
  });

  it('changes nothing when it is not allowed, and says when it can not write', async () => {
    stage.gateway.on('GET /admin/v1/placement', problem(403, 'permission_denied', 'You may not read placement'));
    expect((await stage.run(['placement', 'export', dir])).exitCode).toBe(exitCodes.auth);
    stage.gateway.on('GET /admin/v1/placement', { body: placement });
    mkdirSync(dir);
    writeFileSync(join(dir, 'routing'), 'in the way');
    const { exitCode, err } = await stage.run(['placement', 'export', dir]);
    expect(exitCode).toBe(exitCodes.failed);
    expect(err).toContain(join(dir, 'routing'));
    expect(readFileSync(join(dir, 'routing'), 'utf8')).toBe('in the way');
  });
});
