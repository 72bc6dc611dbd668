import { expect, it } from '@jest/globals';
import { followPlacement } from '@fairlead/placement-reader';
import { eventually, testFolder } from '@fairlead/testing';
import { writePlacementFiles, type PlacementSource } from './index.js';

const source = (revision: number, shardId: string): PlacementSource => ({
  epoch: 1,
  revision,
  maps: { aggregate: new Map(), projection: new Map(), runner: new Map([['acme', shardId]]) },
  shards: [{ kind: 'runner', shardId, endpoints: [], weight: 1, labels: {}, state: 'active' }],
});

it('a gateway without NATS goes by files, at each change, and never by an older one', async () => {
  const dir = testFolder('files-alone');
  const seen: string[] = [];
  const reader = followPlacement({
    filesDir: dir,
    onSnapshot: (snapshot) => void seen.push(`${snapshot.origin} ${snapshot.shardOf('runner', 'acme') ?? ''}`),
  });
  try {
    for (const [revision, shard] of [
      [2, 'first'],
      [3, 'second'],
      [1, 'older'],
      [4, 'third'],
    ] as const) {
      await writePlacementFiles(dir, source(revision, shard));
      if (shard !== 'older') await eventually(() => reader.current()?.revision === revision, { what: shard });
    }
    expect(seen).toEqual(['files first', 'files second', 'files third']);
  } finally {
    await reader.stop();
  }
});
