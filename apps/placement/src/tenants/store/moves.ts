import type { Transaction } from '@fairlead/postgres';
import type { DecidedMove, MoveRequest, MoveState } from '../domain/moves.js';

/** What a move's decision depends on, as it stands under the lock. */
export async function readMoveState(tx: Transaction, request: MoveRequest): Promise<MoveState> {
  const [row] = await tx.query<Omit<MoveState, 'recorded'> & { recorded: MoveState['recorded'] | null }>(
    `select
       exists (select from tenant where tenant_id = $1) as "tenantKnown",
       coalesce((select highest from fence where tenant_id = $1), 0) as "highestFence",
       (select json_build_object('requestDigest', request_digest, 'revision', revision, 'epoch', epoch, 'logBefore', log_before)
        from move where idempotency_key = $2) as recorded,
       coalesce((select json_agg(json_build_object('kind', kind, 'shardId', shard_id, 'revision', revision))
        from assignment where tenant_id = $1), '[]') as assignments,
       coalesce((select json_agg(json_build_object('kind', kind, 'shardId', shard_id, 'state', state))
        from shard where state <> 'removed' and (kind, shard_id) in (select * from unnest($3::text[], $4::text[]))), '[]') as targets`,
    [request.tenantId, request.idempotencyKey, request.moves.map(({ kind }) => kind), request.moves.map(({ toShardId }) => toShardId)],
  );
  if (row === undefined) throw new Error('a select without from answers one row');
  return { ...row, recorded: row.recorded ?? undefined };
}

/** Remembers a fence as the tenant's highest when it is. */
export async function raiseFence(tx: Transaction, tenantId: string, fence: number): Promise<void> {
  await tx.query(`insert into fence (tenant_id, highest) values ($1, $2) ${onHigherFence}`, [tenantId, fence]);
}

const onHigherFence = `on conflict (tenant_id) do update set highest = excluded.highest where fence.highest < excluded.highest`;

/** Writes a decided move in one statement: the assignments, the shards' counts, the fence, the outcome, placement's revision. */
export async function writeMove(
  tx: Transaction,
  move: { request: MoveRequest; digest: string; moves: readonly DecidedMove[]; revision: number; epoch: number; logBefore: number },
): Promise<void> {
  const { request, moves, revision } = move;
  await tx.query(
    `with bumped as (update meta set revision = $1),
     moved as (select * from unnest($3::text[], $4::text[], $5::text[]) as m(kind, from_shard, to_shard)),
     assigned as (update assignment a set shard_id = m.to_shard, revision = $1 from moved m where a.tenant_id = $2 and a.kind = m.kind),
     counted as (update shard s set tenants = s.tenants + d.delta
       from (select kind, from_shard as shard_id, -1 as delta from moved union all select kind, to_shard, 1 from moved) d
       where s.kind = d.kind and s.shard_id = d.shard_id),
     fenced as (insert into fence (tenant_id, highest) values ($2, $6) ${onHigherFence})
     insert into move (idempotency_key, tenant_id, request_digest, revision, epoch, log_before) values ($7, $2, $8, $1, $9, $10)`,
    [
      revision,
      request.tenantId,
      moves.map(({ kind }) => kind),
      moves.map(({ from }) => from),
      moves.map(({ to }) => to),
      request.fence,
      request.idempotencyKey,
      move.digest,
      move.epoch,
      move.logBefore,
    ],
  );
}
