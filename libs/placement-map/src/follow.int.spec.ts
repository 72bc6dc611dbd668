import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder, testMessaging, type TestMessaging } from '@fairlead/testing';
import { placementFiles, placementText } from '@fairlead/placement-reader/files';
import { writePlacementFiles } from './files/index.js';
import { createPlacementPublisher, followPlacement, type PlacementSnapshot, type PlacementSource, type PlacementWatch } from './index.js';

/** Files until KV gives a placement. */
const destination = { write: (line: string) => lines.push(line) };
const logger = createLogger({ service: 'test', level: 'info', destination });
const cleanups: (() => Promise<void>)[] = [];
let lines: string[] = [];
let nats: TestMessaging;
let count = 0;

beforeAll(async () => {
  nats = await testMessaging();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  lines = [];
});

afterAll(() => nats.close());

/** A connection to a bucket of its own. */
async function connect(): Promise<Messaging> {
  const messaging = await connectMessaging({
    url: nats.url,
    token: nats.token,
    namespace: `${nats.namespace}_${count++}`,
    name: 'spec',
    logger,
  });
  cleanups.push(() => messaging.close());
  await eventually(() => messaging.connected(), { what: 'a connection' });
  return messaging;
}

const source = (epoch: number, revision: number, shard: string): PlacementSource => ({
  epoch,
  revision,
  maps: { aggregate: new Map(), projection: new Map(), runner: new Map([['acme', shard]]) },
  shards: [{ kind: 'runner', shardId: shard, endpoints: [], weight: 1, labels: {}, state: 'active' }],
});

function following(messaging: Messaging, filesDir: string): PlacementWatch & { seen: string[] } {
  const seen: string[] = [];
  const told = (snapshot: PlacementSnapshot) => void seen.push(`${snapshot.origin} ${snapshot.shardOf('runner', 'acme') ?? ''}`);
  const watch = followPlacement({ messaging, logger, filesDir, onSnapshot: told });
  cleanups.push(() => watch.stop());
  return Object.assign(watch, { seen });
}

const shows = (watch: { seen: string[] }, wanted: string) => eventually(() => watch.seen.at(-1) === wanted, { what: wanted });
const logged = (text: string) => eventually(() => lines.some((line) => line.includes(text)), { what: text });

describe('following placement', () => {
  it('takes files, hot also at the same version, until KV gives the same or a newer one; then KV alone', async () => {
    const messaging = await connect();
    const publisher = createPlacementPublisher({ messaging, logger });
    const dir = testFolder('follow');
    await writePlacementFiles(dir, source(1, 5, 'first'));
    const watch = following(messaging, dir);
    await shows(watch, 'files first');
    await writePlacementFiles(dir, source(1, 5, 'edited'));
    await shows(watch, 'files edited');
    await publisher.publish(source(1, 5, 'decided'));
    await shows(watch, 'kv decided');
    await writePlacementFiles(dir, source(1, 9, 'too-late'));
    await publisher.publish(source(1, 6, 'next'));
    await shows(watch, 'kv next');
    expect(watch.seen).toEqual(['files first', 'files edited', 'kv decided', 'kv next']);
    expect(watch.current()).toMatchObject({ epoch: 1, revision: 6, origin: 'kv' });
  });

  it('does not go back to what an older KV says', async () => {
    const messaging = await connect();
    const publisher = createPlacementPublisher({ messaging, logger });
    const dir = testFolder('follow');
    await writePlacementFiles(dir, source(3, 5, 'new'));
    const watch = following(messaging, dir);
    await shows(watch, 'files new');
    await publisher.publish(source(2, 80, 'rolled-back'));
    await logged('an older placement is not applied');
    await writeFile(placementFiles(dir).placement, [...placementText(source(3, 5, 'broken'))].join(''));
    await logged('has no runner shard broken');
    await writePlacementFiles(dir, source(3, 6, 'newer'));
    await shows(watch, 'files newer');
    await publisher.publish(source(4, 1, 'raised'));
    await shows(watch, 'kv raised');
    expect(watch.seen).toEqual(['files new', 'files newer', 'kv raised']);
  });

  it('goes by KV where there are no files', async () => {
    const messaging = await connect();
    const watch = following(messaging, testFolder('follow'));
    await createPlacementPublisher({ messaging, logger }).publish(source(1, 1, 'decided'));
    await shows(watch, 'kv decided');
  });
});
