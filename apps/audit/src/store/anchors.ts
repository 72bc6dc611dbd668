import { createHash } from 'node:crypto';
import type { Anchor } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';

/** An anchor as the table has it: the signed text alone. */
export interface KeptAnchor {
  readonly id: number;
  readonly from: number;
  readonly position: number;
  readonly jws: string;
}

const columns = 'id, from_position as "from", position, jws';

/** Keeps a copy of an anchor; one that is kept already stays. It is yet to be posted when it is `toPost`. */
export async function keepAnchor(tx: Sql, anchor: Anchor, { toPost }: { toPost: boolean }): Promise<void> {
  await tx.query(
    `insert into anchor (digest, from_position, position, incarnation, time, jws, posted) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (digest) do nothing`,
    [createHash('sha256').update(anchor.jws).digest(), anchor.from, anchor.position, anchor.incarnation, anchor.time, anchor.jws, !toPost],
  );
}

/** The last anchor that was kept. */
export async function lastAnchor(sql: Sql): Promise<KeptAnchor | undefined> {
  const [row] = await sql.query<KeptAnchor>(`select ${columns} from anchor order by id desc limit 1`);
  return row;
}

/** The anchors that were kept after one, in that order. */
export async function anchorsAfter(sql: Sql, id: number, limit: number): Promise<KeptAnchor[]> {
  return sql.query<KeptAnchor>(`select ${columns} from anchor where id > $1 order by id limit $2`, [id, limit]);
}

/** The furthest anchor of an incarnation that was made before some time. */
export async function furthestAnchor(sql: Sql, incarnation: string, ageMs: number): Promise<KeptAnchor | undefined> {
  const [row] = await sql.query<KeptAnchor>(
    `select ${columns} from anchor where incarnation = $1 and time < clock_timestamp() - $2 * interval '1 millisecond'
       order by position desc, id desc limit 1`,
    [incarnation, ageMs],
  );
  return row;
}

/** The oldest anchor that is yet to be posted. */
export async function anchorToPost(sql: Sql): Promise<KeptAnchor | undefined> {
  const [row] = await sql.query<KeptAnchor>(`select ${columns} from anchor where not posted order by id limit 1`);
  return row;
}

/** Age of the oldest anchor that is yet to be posted; 0 when there is none. */
export async function unpostedSeconds(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ seconds: number }>(
    `select greatest(extract(epoch from clock_timestamp() - time), 0)::float8 as seconds from anchor where not posted order by id limit 1`,
  );
  return row?.seconds ?? 0;
}

export async function markPosted(sql: Sql, id: number): Promise<void> {
  await sql.query('update anchor set posted = true where id = $1', [id]);
}

/** One anchor is made at a time, whoever makes it, until the transaction ends: replicas may share a file. */
export async function takeAnchoring(tx: Sql): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [anchoringLock]);
}

const anchoringLock = 7_301_846_027;
