import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder } from '@fairlead/testing';
import { watchPlacementFiles, type PlacementSnapshot, type PlacementSource, type PlacementWatch } from '../index.js';
import { placementFiles, placementText, routingText } from '@fairlead/placement-reader/files';
import { writePlacementFiles } from './index.js';

/** Files on a disk, changed as people and programs change them. */
let dir: string;
let files: ReturnType<typeof placementFiles>;
let lines: { level: string; msg: string; error?: string }[];
let watches: PlacementWatch[];
let seen: PlacementSnapshot[];

beforeEach(() => {
  dir = join(testFolder('placement-files'), 'config');
  files = placementFiles(dir);
  lines = [];
  watches = [];
  seen = [];
});

afterEach(async () => {
  await Promise.all(watches.map((watch) => watch.stop()));
});

function watching(pollMs?: number): PlacementWatch {
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) };
  const logger = createLogger({ service: 'test', level: 'info', destination });
  const watch = watchPlacementFiles({ dir, logger, pollMs, onSnapshot: (snapshot) => void seen.push(snapshot) });
  watches.push(watch);
  return watch;
}

const source = (revision: number, shard = 'runner-1', tenants = ['acme', 'globex']): PlacementSource => ({
  epoch: 1,
  revision,
  maps: { aggregate: new Map(), projection: new Map(), runner: new Map(tenants.map((tenant) => [tenant, shard])) },
  shards: ['runner-1', 'runner-2'].map((shardId) => ({
    kind: 'runner' as const,
    shardId,
    endpoints: [{ endpointId: 'one', url: 'http://127.0.0.1:7500' }],
    weight: 1,
    labels: {},
    state: 'active',
  })),
});
const textOf = (revision: number, shard?: string) => [...placementText(source(revision, shard))].join('');

const shows = (watch: PlacementWatch, revision: number, shard: string) =>
  eventually(() => watch.current()?.revision === revision && watch.current()?.shardOf('runner', 'acme') === shard, {
    what: `revision ${String(revision)} with acme on ${shard}`,
  });
const refusals = () => lines.filter(({ msg }) => msg.startsWith('the placement files are not used'));
const refused = (text: string) => eventually(() => refusals().some(({ error }) => error?.includes(text)), { what: `a refusal: ${text}` });

describe('placement from files', () => {
  it('comes when the files come, and again at each change, as one snapshot', async () => {
    const watch = watching();
    await refused('it is missing');
    expect(refusals().map(({ level }) => level)).toEqual(['info']);
    await writePlacementFiles(dir, source(1, 'runner-2'));
    await shows(watch, 1, 'runner-2');
    expect(watch.current()).toMatchObject({ epoch: 1, origin: 'files' });
    expect(watch.current()?.shard('runner', 'runner-1')?.endpoints).toEqual([{ endpointId: 'one', url: 'http://127.0.0.1:7500' }]);
    for (let revision = 2; revision < 30; revision++)
      await writePlacementFiles(dir, source(revision, `runner-${String(1 + (revision % 2))}`));
    await shows(watch, 29, 'runner-2');
    for (const snapshot of seen) expect(snapshot.shardOf('runner', 'acme')).toBe(snapshot.revision % 2 === 1 ? 'runner-2' : 'runner-1');
    // On a busy machine two looks may come between the writing of the one file and of the other.
    expect(refusals().filter(({ error }) => !(error ?? '').endsWith('are not of one version'))).toHaveLength(1);
  });

  it('is taken anew after an edit at the same version, never at a lower one', async () => {
    const watch = watching();
    await writePlacementFiles(dir, source(5));
    await shows(watch, 5, 'runner-1');
    await writeFile(files.placement, textOf(5, 'runner-2'));
    await shows(watch, 5, 'runner-2');
    await writePlacementFiles(dir, source(4));
    await refused('older');
    expect(watch.current()?.revision).toBe(5);
  });

  it('waits until both files are of one version, and tells when they stay different', async () => {
    const watch = watching();
    await writePlacementFiles(dir, source(1));
    await shows(watch, 1, 'runner-1');
    await writeFile(files.placement, textOf(2, 'runner-2'));
    await refused('are not of one version');
    expect(watch.current()?.revision).toBe(1);
    await writeFile(files.routing, [...routingText(source(2))].join(''));
    await shows(watch, 2, 'runner-2');
  });

  it('keeps the last good one while a file is broken, tells the line once, and goes on when it is mended', async () => {
    const watch = watching(100);
    await writePlacementFiles(dir, source(1));
    await shows(watch, 1, 'runner-1');
    await writeFile(files.placement, textOf(2, 'runner-3'));
    await writeFile(files.routing, [...routingText(source(2))].join(''));
    await refused('placement/dev.json:7:15: /runner_placement/acme/shard');
    await writeFile(files.placement, textOf(2).replace('"globex":', '"globex"'));
    await refused("placement/dev.json:8:14: ':' is expected");
    // Written again as it is: looked at, and nothing new.
    await writeFile(files.placement, textOf(2).replace('"globex":', '"globex"'));
    expect(watch.current()?.revision).toBe(1);
    await writeFile(files.placement, textOf(2, 'runner-2'));
    await shows(watch, 2, 'runner-2');
    expect(refusals().filter(({ error }) => error?.includes("':' is expected"))).toHaveLength(1);
  });

  it('is never a half-written one, however slowly it is written', async () => {
    const watch = watching(20);
    await writePlacementFiles(dir, source(1));
    await shows(watch, 1, 'runner-1');
    const text = textOf(1, 'runner-2');
    for (const part of [0.2, 0.5, 0.8, 0.98]) {
      const before = refusals().length;
      await writeFile(files.placement, text.slice(0, Math.floor(text.length * part)));
      await eventually(() => refusals().length > before, { what: 'the half to be looked at' });
      expect(watch.current()?.shardOf('runner', 'acme')).toBe('runner-1');
    }
    await writeFile(files.placement, text);
    await shows(watch, 1, 'runner-2');
    expect(seen).toHaveLength(2);
  });

  it('stays when a file, or the whole folder, is deleted, and comes back with it', async () => {
    const watch = watching(100);
    await writePlacementFiles(dir, source(1));
    await shows(watch, 1, 'runner-1');
    await rm(files.placement);
    await refused('placement/dev.json: it is missing');
    await rm(dir, { recursive: true });
    expect(watch.current()?.revision).toBe(1);
    await writePlacementFiles(dir, source(2, 'runner-2'));
    await shows(watch, 2, 'runner-2');
    await writePlacementFiles(dir, source(3));
    await shows(watch, 3, 'runner-1');
  });

  it('stays when a file may not be read', async () => {
    const watch = watching(100);
    await writePlacementFiles(dir, source(1));
    await shows(watch, 1, 'runner-1');
    await writePlacementFiles(dir, source(2, 'runner-2'));
    await shows(watch, 2, 'runner-2');
    await chmod(files.placement, 0o000);
    await asNobody(async () => {
      await refused('placement/dev.json: it can not be read (EACCES)');
    });
    expect(watch.current()?.revision).toBe(2);
    await chmod(files.placement, 0o644);
    await writePlacementFiles(dir, source(3));
    await shows(watch, 3, 'runner-1');
  });

  it('follows a link that is changed elsewhere, as mounted configuration is', async () => {
    const real = `${dir}-real`;
    await writePlacementFiles(real, source(1));
    await mkdir(dirname(dir), { recursive: true });
    await symlink(real, dir);
    const watch = watching(50);
    await shows(watch, 1, 'runner-1');
    await writePlacementFiles(`${real}-2`, source(2, 'runner-2'));
    await symlink(`${real}-2`, `${dir}.new`);
    await rename(`${dir}.new`, dir);
    await shows(watch, 2, 'runner-2');
  });

  it('may have 50,000 tenants, whose writing and reading leave others their turn', async () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `tenant-${String(index).padStart(5, '0')}`);
    const map = new Map(names.map((name, index) => [name, `runner-${String(1 + (index % 2))}`]));
    const shards = (['aggregate', 'projection', 'runner'] as const).flatMap((kind) =>
      source(1).shards.map((shard) => ({ ...shard, kind })),
    );
    const huge: PlacementSource = { epoch: 1, revision: 9, maps: { aggregate: map, projection: map, runner: map }, shards };
    const watch = watching();
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await writePlacementFiles(dir, huge);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
    await eventually(() => watch.current(), { what: 'the huge placement', timeoutMs: 30_000 });
    expect(watch.current()?.tenants('projection')).toBe(50_000);
    expect(watch.current()?.shardOf('aggregate', 'tenant-49999')).toBe('runner-2');
  });
});

/** The superuser may read everything, so what is not allowed is tried as another user. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isSuperuser = process.geteuid?.() === 0;
  if (isSuperuser) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isSuperuser) process.seteuid?.(0);
  }
}
