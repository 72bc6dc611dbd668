/**
 * What operators see of projections and decide about them. The functions that decide are for the service `audit` alone;
 * call them in one transaction with the event that says who decided, the event last.
 */
import { controlPlaneServices, FairleadError, type ControlPlaneService } from '@fairlead/contracts';
import { roleOf, type Sql } from '@fairlead/postgres';
import { agesOf } from './age.js';

/** One filling of a projection's tables. */
export interface EpochState {
  epoch: number;
  /** Reads go to this one. */
  serving: boolean;
  /** Of the definition that fills it. */
  version: number;
  /** The lowest of its parts: everything up to here is applied. */
  position: number;
  parts: number;
  /** The first event that can not be applied, and in which part; the other parts go on. */
  stopped: StoppedAt | null;
  /** The epoch that does not serve is being filled: null for the one that serves. */
  rebuild: RebuildProgress | null;
  updatedAt: Date;
}

export interface StoppedAt {
  position: number;
  reason: string;
  part: number;
  /** When it came to that event; it is tried again since. */
  since: Date;
}

export interface RebuildProgress {
  /** The position it began after. */
  from: number;
  /** Where it has to come to: the log's end. */
  head: number;
  /** Positions per second since it began; left out before the first page. */
  eventsPerSecond?: number;
  startedAt: Date;
  /** When the part that is furthest behind last moved. */
  movedAt: Date;
  /** Since when it could take the place of the epoch that serves; null while it is too far behind. */
  levelAt: Date | null;
}

export interface ProjectionState {
  name: string;
  /** The service whose workers keep it. */
  owner: ControlPlaneService;
  paused: boolean;
  /** A rebuild was asked for, and no worker has begun it yet. */
  rebuildRequested: boolean;
  /** When; null without such a request. */
  rebuildRequestedAt: Date | null;
  /** The epoch that serves and, during a rebuild, the one beside it. */
  epochs: EpochState[];
  /** Events of the log that the epoch that serves has not applied. */
  lag: number;
  /** How long ago the oldest of them was appended, in seconds; 0 when there is none, or when the clock went back since. */
  lagSeconds: number;
  /** When an operator decided something, or a rebuild began or ended, last. */
  controlledAt: Date;
  updatedAt: Date;
}

interface EpochRow {
  name: string;
  role: string;
  paused: boolean;
  requested_at: Date | null;
  control_updated_at: Date;
  epoch: number;
  serving: boolean;
  version: number;
  parts: number;
  position: number;
  stopped_position: number | null;
  stopped_reason: string | null;
  stopped_part: number | null;
  stopped_at: Date | null;
  started_at: Date;
  moved_at: Date;
  level_at: Date | null;
  updated_at: Date;
  head: number;
  filled_for_s: number;
}

/** All projections, by name, or the one of a name. */
export async function listProjections(sql: Sql, name?: string): Promise<ProjectionState[]> {
  const rows = await sql.query<EpochRow>(
    `select p.name, p.role, p.paused, c.rebuild_requested_at as requested_at, c.updated_at as control_updated_at,
       p.epoch, p.serving, p.version, p.parts, p.position, p.stopped_position, p.stopped_reason, p.stopped_part, p.stopped_at, e.started_at, e.level_at, p.updated_at,
       (select min(q.updated_at) from log.projection_part q where q.name = p.name and q.epoch = p.epoch and q.position = p.position) as moved_at,
       h.position as head, extract(epoch from p.updated_at - e.started_at)::float8 as filled_for_s
     from log.projection p
     join log.projection_control c using (name)
     join log.projection_epoch e using (name, epoch)
     cross join log.head h
     where not p.retired and ($1::text is null or p.name = $1)
     order by p.name, p.epoch`,
    [name ?? null],
  );
  const names = [...new Set(rows.map((row) => row.name))];
  const ages = await agesOf(
    sql,
    rows.filter((row) => row.serving),
  );
  return names.map((of) =>
    stateOf(
      rows.filter((row) => row.name === of),
      ages,
    ),
  );
}

function stateOf(rows: readonly EpochRow[], ages: ReadonlyMap<string, number>): ProjectionState {
  const serving = rows.find((row) => row.serving);
  if (serving === undefined) throw new Error('a projection has an epoch that serves');
  const owner = controlPlaneServices.find((service) => roleOf(service) === serving.role);
  if (owner === undefined) throw new Error(`projection ${serving.name} belongs to no service`);
  const updates = rows.flatMap((row) => [row.updated_at.getTime(), row.control_updated_at.getTime()]);
  return {
    name: serving.name,
    owner,
    paused: serving.paused,
    rebuildRequested: serving.requested_at !== null,
    rebuildRequestedAt: serving.requested_at,
    epochs: rows.map(epochOf),
    lag: Math.max(0, serving.head - serving.position),
    lagSeconds: ages.get(serving.name) ?? 0,
    controlledAt: serving.control_updated_at,
    updatedAt: new Date(Math.max(...updates)),
  };
}

function epochOf(row: EpochRow): EpochState {
  const { epoch, serving, version, position, parts, head, filled_for_s } = row;
  const speed = position > 0 && filled_for_s > 0 ? { eventsPerSecond: position / filled_for_s } : {};
  const rebuild = serving ? null : { from: 0, head, ...speed, startedAt: row.started_at, movedAt: row.moved_at, levelAt: row.level_at };
  return { epoch, serving, version, position, parts, stopped: stoppedOf(row), rebuild, updatedAt: row.updated_at };
}

function stoppedOf(row: EpochRow): StoppedAt | null {
  const { stopped_position: position, stopped_reason: reason, stopped_part: part, stopped_at: at, updated_at: updatedAt } = row;
  return position === null ? null : { position, reason: reason ?? '', part: part ?? 0, since: at ?? updatedAt };
}

/** Has all workers of a projection stop after the page at hand. Throws `projection_not_found`, `projection_state` when it is paused already. */
export async function pauseProjection(tx: Sql, name: string): Promise<void> {
  await decide(tx, name, 'select log.set_projection_paused($1, true) as outcome', [], `Projection ${name} is paused already`);
}

/** Lets a paused projection go on. Throws `projection_not_found`, `projection_state` when it is not paused. */
export async function resumeProjection(tx: Sql, name: string): Promise<void> {
  await decide(tx, name, 'select log.set_projection_paused($1, false) as outcome', [], `Projection ${name} is not paused`);
}

/**
 * Lets one event pass without being applied, in one epoch. Throws `projection_not_found`; `projection_state` unless that
 * epoch is stopped at exactly that position, or when the skip was decided already.
 */
export async function skipEvent(tx: Sql, { name, epoch, position }: { name: string; epoch: number; position: number }): Promise<void> {
  const refusal = `Epoch ${epoch} of projection ${name} is not stopped at position ${position}`;
  await decide(tx, name, 'select log.skip_event($1, $2, $3) as outcome', [epoch, position], refusal);
}

/**
 * Asks for a rebuild: a worker of the owner fills a new epoch from the beginning of the log while the old one serves, then
 * swaps. Throws `projection_not_found`, `projection_state` when a rebuild is asked for or runs already.
 */
export async function requestRebuild(tx: Sql, name: string): Promise<void> {
  await decide(tx, name, 'select log.request_rebuild($1) as outcome', [], `A rebuild of projection ${name} runs already`);
}

/** Gives a rebuild up; what was filled is dropped. Throws `projection_not_found`, `projection_state` when none is asked for or runs. */
export async function cancelRebuild(tx: Sql, name: string): Promise<void> {
  await decide(tx, name, 'select log.cancel_rebuild($1) as outcome', [], `No rebuild of projection ${name} runs`);
}

async function decide(tx: Sql, name: string, call: string, params: readonly unknown[], refusal: string): Promise<void> {
  const [row] = await tx.query<{ outcome: 'done' | 'unknown' | 'state' }>(call, [name, ...params]);
  if (row?.outcome === 'unknown') throw new FairleadError('projection_not_found', `There is no projection ${name}`);
  if (row?.outcome !== 'done') throw new FairleadError('projection_state', refusal);
}
