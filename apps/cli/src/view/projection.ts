import type { Schema } from '@fairlead/api-client';
import type { Loose } from '../http/answer.js';
import type { Projection } from '../log-api.js';
import { fields, table } from './table.js';
import { yesNo } from './text.js';

type Epoch = Projection['epochs'][number];

/** All projections. */
export function renderProjections(projections: readonly Loose<Schema<'Projection'>>[]): string {
  return table(
    ['projection', 'owner', 'state', 'position', 'lag', 'behind', 'epoch', 'stopped at', 'since'],
    projections.map((projection) => [
      projection.name,
      projection.owner,
      projection.state,
      projection.position,
      projection.lag,
      seconds(projection.lag_seconds),
      projection.epochs?.find(({ serving }) => serving === true)?.epoch,
      stopOf(projection)?.position,
      stopOf(projection)?.since,
    ]),
  );
}

/** One projection with its epochs, why it is stopped and what to do. */
export function renderProjection(projection: Projection, now: Date): string {
  const head = fields([
    ['projection', projection.name],
    ['owner', projection.owner],
    ['state', projection.state],
    ['position', projection.position],
    ['lag', `${projection.lag ?? '-'} events, ${seconds(projection.lag_seconds) ?? '-'}`],
    ['updated', projection.updated_at],
  ]);
  const epochs = table(
    ['epoch', 'serving', 'version', 'parts', 'position', 'stopped at', 'since', 'part', 'reason'],
    projection.epochs.map(({ epoch, serving, version, parts, position, stopped }) => [
      epoch,
      yesNo(serving),
      version,
      parts,
      position,
      stopped?.position,
      stopped?.since,
      stopped?.part,
      stopped?.reason,
    ]),
  );
  const filling = projection.epochs.find(({ rebuild }) => rebuild != null);
  const parts = [head, epochs];
  if (filling !== undefined) parts.push(progressText(filling, now));
  const hints = hintsOf(projection);
  if (hints.length > 0) parts.push(hints.map((hint) => `${hint}\n`).join(''));
  return parts.join('\n');
}

/** Of the first epoch that is stopped. */
const stopOf = ({ epochs }: Pick<Loose<Schema<'Projection'>>, 'epochs'>): Epoch['stopped'] =>
  epochs?.find(({ stopped }) => stopped != null)?.stopped;

function hintsOf({ name, paused, epochs }: Projection): string[] {
  const hints = paused === true ? [`go on with: fairlead projection resume ${name} --reason …`] : [];
  for (const { stopped } of epochs) {
    if (stopped?.position == null) continue;
    const at = stopped.position;
    hints.push(`see the event with: fairlead log show ${at}`);
    hints.push(`a release that can apply it goes on by itself; else: fairlead projection skip ${name} --position ${at} --reason …`);
  }
  return hints;
}

/** How far a rebuild is, as one line. */
export function renderProgress(projection: Projection): string {
  const filling = projection.epochs.find(({ rebuild }) => rebuild != null);
  return filling === undefined ? 'waiting for a worker to begin\n' : progressText(filling);
}

function progressText({ epoch, position, rebuild }: Epoch, now?: Date): string {
  const { head, events_per_second: rate, started_at: startedAt } = rebuild ?? {};
  if (head == null || position == null) return `epoch ${epoch ?? '-'} is on its way\n`;
  const percent = head === 0 ? 100 : Math.floor((100 * position) / head);
  const speed = rate == null ? [] : [`${Math.round(rate)} events/s`, `${seconds((head - position) / rate) ?? '-'} to go`];
  const since =
    now === undefined || startedAt == null ? [] : [`begun ${seconds((now.getTime() - Date.parse(startedAt)) / 1_000) ?? '-'} ago`];
  return `${[`epoch ${epoch ?? '-'} is at ${position} of ${head}, ${percent} %`, ...speed, ...since].join(', ')}\n`;
}

/** A time span as a person reads it. */
function seconds(value: number | null | undefined): string | undefined {
  if (value == null) return undefined;
  if (value < 120) return `${Math.round(value)} s`;
  return value < 7_200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3_600)} h`;
}
