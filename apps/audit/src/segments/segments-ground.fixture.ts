/** A log on a real Postgres with its chain, anchors and trail, and a folder for segments. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { verifySegments, type SegmentsReport } from '@fairlead/audit-chain';
import { testFolder } from '@fairlead/testing';
import { chainGround, type ChainGround } from '../chain/chain-ground.fixture.js';
import { readSealing } from '../store/segments.js';
import { turn, type SealerDeps } from './sealer.js';

export interface SegmentsGround extends ChainGround {
  readonly folder: string;
  readonly sealer: SealerDeps;
  /** Appends events, takes them into the chain and the trail, and anchors them. */
  readonly grow: (count: number) => Promise<void>;
  /** Takes what is in the log into the trail. */
  readonly record: () => Promise<void>;
  /** Has all that is there sealed that may be, in one turn. */
  readonly seal: (more?: Partial<SealerDeps>) => Promise<void>;
  /** Positions of the trail. */
  readonly positions: () => Promise<number[]>;
  /** The log's events about sealing: type and payload. */
  readonly told: () => Promise<{ type: string; payload: Record<string, unknown> }[]>;
  readonly state: () => ReturnType<typeof readSealing>;
  readonly files: () => string[];
  /** Verifies the folder alone. */
  readonly offline: (folder?: string) => Promise<SegmentsReport>;
}

/** Events of a segment. */
export const size = 5;

/** Makes a ground; the caller stops it. */
export async function segmentsGround(): Promise<SegmentsGround> {
  const ground = await chainGround();
  const folder = join(testFolder('segments'), 'kept');
  mkdirSync(folder);
  ground.segmentFolder = folder;
  const { adminSql, db: sql } = ground.database;
  const { file: source, verify, logger } = ground.deps;
  if (source === undefined) throw new Error('the ground has no anchor file');
  const sealer: SealerDeps = { sql, logger, folder, source, verify, ...ground.seals, anchorsStopped: () => undefined, segmentEvents: size };
  const record = async () => {
    await adminSql.query(`
      insert into audit.record_e1
        select position, recorded_at, aggregate_type || '.' || type, 'user:usr_ada', null, null, aggregate_type, aggregate_id, 'req_1', 'cor_1',
          null, null, null, null, 'succeeded', payload from log.event
          where position > greatest((select sealed_until from audit.sealing), (select coalesce(max(position), 0) from audit.record_e1))`);
  };
  return {
    ...ground,
    folder,
    sealer,
    record,
    grow: async (count) => {
      await ground.append(count);
      await ground.chainAll();
      await record();
      await ground.anchorAll();
    },
    seal: async (more = {}) => {
      await adminSql.query('update audit.sealing set asked_before = clock_timestamp()');
      await turn({ ...sealer, ...more }, new AbortController().signal);
    },
    positions: async () =>
      (await sql.query<{ position: number }>('select position from record order by position')).map(({ position }) => position),
    told: () =>
      sql.query(
        `select type, payload from log.event where aggregate_type = 'event_log' and type like 'trail%' and position > 0 order by position`,
      ),
    state: () => readSealing(sql),
    files: () => readdirSync(folder).sort(),
    offline: (where = folder) => verifySegments({ folder: where, verifyAnchor: verify, verifyManifest: ground.seals.verifyManifest }),
  };
}
