/** A log on a real Postgres with its chain and its anchor file, and a superuser who tampers with them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  canonicalRow,
  createAnchorSigner,
  createAnchorVerifier,
  createManifestVerifier,
  createSegmentSigner,
  genesis,
  linksOf,
} from '@fairlead/audit-chain';
import { generateSigningKey } from '@fairlead/auth';
import { createAppender } from '@fairlead/event-log';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testFolder, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations.js';
import { readRows } from '../store/chain.js';
import { anchorFile } from './anchor-file.js';
import { tableAnchors } from './anchor-source.js';
import { anchorNext, type AnchorerDeps } from './anchorer.js';
import { chainPage } from './chainer.js';
import { verifyChain, type VerifiedPart } from './verify-chain.js';

export interface ChainGround {
  readonly database: TestDatabase;
  /** The anchor file. */
  readonly path: string;
  readonly deps: AnchorerDeps;
  /** What signs and reads manifests of sealed segments. */
  readonly seals: { sign: Awaited<ReturnType<typeof createSegmentSigner>>; verifyManifest: ReturnType<typeof createManifestVerifier> };
  /** The service's key and what trusts it, as settings. */
  readonly keys: { privateJwk: string; jwks: string };
  /** Where sealed segments are, once there are any. */
  segmentFolder?: string;
  readonly append: (count: number) => Promise<void>;
  /** Takes everything into the chain. */
  readonly chainAll: () => Promise<void>;
  /** Makes all anchors that are due; answers how many. */
  readonly anchorAll: () => Promise<number>;
  readonly verify: (from?: 'file' | 'table') => Promise<VerifiedPart>;
  /** What broke: kind and position. */
  readonly broken: (from?: 'file' | 'table') => Promise<[string, number] | undefined>;
  /** Runs statements as a superuser who has taken the log's triggers away. */
  readonly tamper: (...statements: string[]) => Promise<void>;
  /** Makes the chain anew from what the log holds now, as a superuser would who knows how it is made. */
  readonly rewriteChain: () => Promise<void>;
  readonly lines: () => string[];
  readonly writeLines: (lines: readonly string[]) => void;
  readonly stop: () => Promise<void>;
}

const everyMs = 60_000;

/** Makes a ground; the caller stops it. */
export async function chainGround(): Promise<ChainGround> {
  const database = await testDatabase({ service: 'audit', migrations });
  const { db: sql, adminSql } = database;
  const path = join(testFolder('anchors'), 'deep', 'anchors.jsonl');
  const { privateJwk, publicJwk } = await generateSigningKey('audit');
  const verifyAnchor = createAnchorVerifier({ keys: [publicJwk] });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const file = anchorFile(path);
  const deps: AnchorerDeps = { sql, logger, sign: await createAnchorSigner(privateJwk), verify: verifyAnchor, file, toPost: false };
  const verify = async (from: 'file' | 'table' = 'file') => {
    let part: VerifiedPart;
    let cursor: string | undefined = '';
    do {
      const segments = ground.segmentFolder === undefined ? undefined : { folder: ground.segmentFolder, ...seals };
      const source = from === 'file' ? file : tableAnchors(sql);
      part = await verifyChain({ sql, source, verify: verifyAnchor, everyMs, segments }, cursor);
      ({ cursor } = part);
    } while (cursor !== undefined);
    return part;
  };
  const seals = { sign: await createSegmentSigner(privateJwk), verifyManifest: createManifestVerifier({ keys: [publicJwk] }) };
  let appended = 0;
  const ground: ChainGround = {
    database,
    path,
    deps,
    seals,
    keys: { privateJwk: JSON.stringify(privateJwk), jwks: JSON.stringify({ keys: [publicJwk] }) },
    append: async (count) => {
      const appender = createAppender({ sql });
      for (let n = 0; n < count; n += 1) {
        appended += 1;
        const event = { aggregateType: 'dead_letter', aggregateId: `letter-${appended}`, type: 'dead_letter_discarded' } as const;
        const meta = { principal: 'user:usr_ada', request_id: 'req_1', correlation_id: 'cor_1' };
        await appender.append({ events: [{ ...event, payload: { sequence: appended, consumer: 'x' }, meta }] });
      }
      await appender.close();
    },
    chainAll: async () => {
      while ((await chainPage(sql, 7)) > 0);
    },
    anchorAll: async () => {
      let made = 0;
      while ((await anchorNext(deps)) !== undefined) made += 1;
      return made;
    },
    verify,
    broken: async (from) => {
      const { broken } = await verify(from);
      return broken === undefined ? undefined : [broken.kind, broken.position];
    },
    tamper: async (...statements) => {
      const trigger = (state: string) => `alter table log.event ${state} trigger append_only`;
      await adminSql.query([trigger('disable'), ...statements, trigger('enable always')].join(';'));
    },
    rewriteChain: async () => {
      const rows = await readRows(adminSql, { after: 0, until: 1_000_000, limit: 1_000_000 });
      const links = linksOf(genesis, rows.map(canonicalRow));
      await adminSql.query('delete from audit.chain');
      for (const { position, hash, leaf } of links)
        await adminSql.query('insert into audit.chain values ($1, $2, $3)', [position, hash, leaf]);
      await adminSql.query('update audit.chain_head set position = $1, hash = $2', [links.length, links.at(-1)?.hash ?? genesis]);
    },
    lines: () => readFileSync(path, 'utf8').trimEnd().split('\n'),
    writeLines: (lines) => {
      rmSync(path);
      writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    },
    stop: () => database.drop(),
  };
  return ground;
}
