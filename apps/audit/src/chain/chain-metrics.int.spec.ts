// Real: a Postgres, an anchor file, and a registry that is scraped.
import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { anchorToPost, markPosted } from '../store/anchors.js';
import { anchorFile } from './anchor-file.js';
import { anchorNext } from './anchorer.js';
import { chainGround, type ChainGround } from './chain-ground.fixture.js';
import { reportChain } from './chain-metrics.js';

let ground: ChainGround;
let registry: Registry;
let trouble: string | undefined;

beforeEach(async () => {
  ground = await chainGround();
  registry = new Registry();
  trouble = undefined;
  const anchorer = { stopped: () => trouble, stop: () => Promise.resolve() };
  reportChain({ sql: ground.database.db, source: anchorFile(ground.path), anchorer, registry, toPost: true, logger: ground.deps.logger });
  await ground.append(3);
  await ground.chainAll();
  await ground.anchorAll();
});

afterEach(() => ground.stop());

/** What a scrape says, by the gauges' names. */
const scraped = async (): Promise<Partial<Record<string, string>>> =>
  Object.fromEntries(
    Array.from(
      (await registry.metrics()).matchAll(/^fairlead_audit_(\w+) (\S+)$/gm),
      ([, name = '', value = '']) => [name, value] as const,
    ),
  );

describe('the gauges of the audit chain', () => {
  it('say where chain and anchors stand', async () => {
    expect(await scraped()).toMatchObject({ chain_position: '3', chain_lag: '0', anchor_position: '3', anchor_stopped: '0' });
  });

  it('say how long the oldest anchor waits to be posted', async () => {
    const { db, adminSql } = ground.database;
    expect(await scraped()).toMatchObject({ anchor_unposted_seconds: '0' });
    await ground.append(1);
    await ground.chainAll();
    await anchorNext({ ...ground.deps, toPost: true });
    await adminSql.query(`update audit.anchor set time = time - interval '10 minutes' where not posted`);
    expect(Number((await scraped())['anchor_unposted_seconds'])).toBeGreaterThanOrEqual(600);
    await markPosted(db, (await anchorToPost(db))?.id ?? 0);
    expect(await scraped()).toMatchObject({ anchor_unposted_seconds: '0' });
  });

  it('are no number while the anchor file is damaged, those alone that need it; anchor_stopped says so', async () => {
    appendFileSync(ground.path, 'nonsense\n');
    trouble = 'the last anchor is not one of ours';
    expect(await scraped()).toMatchObject({
      ...{ chain_position: '3', chain_lag: '0', anchor_position: 'Nan', anchor_age_seconds: 'Nan', anchor_stopped: '1' },
    });
  });

  it('are no number while the database is away; anchor_stopped is told without it', async () => {
    await ground.database.adminSql.query('alter table audit.chain_head rename to gone');
    trouble = 'the database is away';
    expect(await scraped()).toMatchObject({ chain_position: 'Nan', chain_lag_seconds: 'Nan', anchor_position: '3', anchor_stopped: '1' });
  });
});
