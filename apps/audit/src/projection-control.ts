import { FairleadError, type EventBody } from '@fairlead/contracts';
import {
  appendInTransaction,
  cancelRebuild,
  listProjections,
  pauseProjection,
  pokeLog,
  requestRebuild,
  resumeProjection,
  skipEvent,
  type EpochState,
  type ProjectionState,
} from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database, Sql, Transaction } from '@fairlead/postgres';

export interface ProjectionDeps {
  readonly sql: Database;
  readonly messaging: Messaging;
}

/** What an operator decides about a projection. */
export type Decision =
  | { readonly what: 'pause' | 'resume' | 'rebuild' | 'cancel-rebuild' }
  /** Of the epoch that is stopped there, unless one is named. */
  | { readonly what: 'skip'; readonly position: number; readonly epoch: number | undefined };

/** A projection by its name. Throws `projection_not_found`. */
export async function findProjection(sql: Sql, name: string): Promise<ProjectionState> {
  const [found] = await listProjections(sql, name);
  if (found === undefined) throw new FairleadError('projection_not_found', `There is no projection ${name}`);
  return found;
}

/**
 * Does what an operator decided, in one transaction with the event that says so: the projection as it is then, and the
 * event's position. Throws `projection_not_found`, and `projection_state` when it is not in a state for that, to the
 * second of two operators at once too; then nothing has changed.
 */
export async function decide(
  { sql, messaging }: ProjectionDeps,
  name: string,
  decision: Decision,
  reason: string,
): Promise<{ projection: ProjectionState; position: number }> {
  const position = await sql.transaction(async (tx) => {
    const happened = await act(tx, name, decision);
    const event = { aggregateType: 'projection', aggregateId: name, meta: { reason }, ...happened } as const;
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  pokeLog(messaging, position);
  return { projection: await findProjection(sql, name), position };
}

async function act(tx: Transaction, name: string, decision: Decision): Promise<EventBody<'projection'>> {
  switch (decision.what) {
    case 'pause':
      await pauseProjection(tx, name);
      return { type: 'paused', payload: {} };
    case 'resume':
      await resumeProjection(tx, name);
      return { type: 'resumed', payload: {} };
    case 'rebuild':
      await requestRebuild(tx, name);
      return { type: 'rebuild_requested', payload: {} };
    case 'cancel-rebuild': {
      const filling = (await findProjection(tx, name)).epochs.find(({ serving }) => !serving);
      await cancelRebuild(tx, name);
      return { type: 'rebuild_cancelled', payload: filling === undefined ? {} : { epoch: filling.epoch } };
    }
    case 'skip': {
      const { epoch, stopped } = stoppedAt(await findProjection(tx, name), decision);
      await skipEvent(tx, { name, epoch, position: decision.position });
      return { type: 'event_skipped', payload: { position: decision.position, epoch, stopped_reason: stopped.reason } };
    }
  }
}

type Stopped = EpochState & { stopped: NonNullable<EpochState['stopped']> };

function stoppedAt(projection: ProjectionState, { position, epoch }: { position: number; epoch: number | undefined }): Stopped {
  const isIt = (state: EpochState): state is Stopped =>
    state.stopped?.position === position && (epoch === undefined || state.epoch === epoch);
  const found = projection.epochs.find(isIt);
  if (found !== undefined) return found;
  throw new FairleadError('projection_state', `Projection ${projection.name} is not stopped at position ${position}`, {
    details: { stopped_at: projection.epochs.flatMap(({ stopped }) => stopped?.position ?? []) },
  });
}
