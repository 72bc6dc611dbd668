import type { Change } from '@fairlead/contracts';
import type { LogEvent, LogFinding, LogStats, WholeEvent } from '../log-api.js';
import { aggregateName } from './aggregate-name.js';
import { fields, table } from './table.js';
import { cell, printable, yesNo } from './text.js';

/** Of a payload, so many characters fit a table. */
const payloadWidth = 80;

/** A page of events in the order they came. */
export function renderEvents(events: readonly LogEvent[]): string {
  return table(
    ['position', 'recorded', 'aggregate', 'version', 'type', 'principal', 'payload'],
    events.map((event) => [
      event.position,
      event.recorded_at,
      aggregateName(event),
      event.version,
      event.type,
      membersOf(event.meta)['principal'],
      shortened(event.payload),
    ]),
  );
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.length <= payloadWidth ? text : `${text.slice(0, payloadWidth)}…`;
}

/** A change as one line, as it comes. */
export function renderChange(change: Change): string {
  const aggregate = `${change.aggregate_type}:${change.aggregate_id}`;
  const parts = [String(change.position), change.recorded_at, aggregate, change.type, shortened(change.payload)];
  return `${parts.map(printable).join('  ')}\n`;
}

/** One event in full, with all of its metadata. */
export function renderEvent(event: WholeEvent): string {
  const head = fields([
    ['position', event.position],
    ['recorded', event.recorded_at],
    ['aggregate', aggregateName(event)],
    ['version', event.version],
    ['type', `${event.aggregate_type ?? '-'}.${event.type ?? '-'}`],
    ['schema version', event.schema_version],
    ['its event before', event.previous_position],
    ['its event after', event.next_position],
    ...(isObject(event.meta) ? [] : [['meta', JSON.stringify(event.meta ?? null)] as const]),
    ...Object.entries(membersOf(event.meta)).map(([name, value]) => [printable(name.replaceAll('_', ' ')), value] as const),
  ]);
  return `${head}\n${indented(event.payload)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function indented(value: unknown): string {
  const lines = JSON.stringify(value ?? null, null, 2).split('\n');
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** One finding of a check, with what to do. */
export function renderFinding({ position, kind, message, advice }: LogFinding): string {
  const where = position == null ? 'the log' : `position ${position}`;
  return `${where}  ${cell(kind)}  ${cell(message)}\n  ${cell(advice)}\n`;
}

/** Where the log stands. */
export function renderStats(stats: LogStats): string {
  const { stream } = stats;
  const parts = [
    fields([
      ['head', stats.head],
      ['last event', stats.recorded_at],
      ['incarnation', stats.incarnation],
      ['began after', stats.incarnations?.[0]?.began_after],
      ...(stats.rates ?? []).map(
        ({ window, events, per_second: rate }) => [`last ${window ?? '-'}`, `${events ?? '-'} events, ${perSecond(rate)}/s`] as const,
      ),
      ['event stream', stream == null ? 'not known: NATS is away, or there is none' : streamText(stream)],
    ]),
    table(
      ['aggregate type', stats.types_estimated === true ? 'events (estimated)' : 'events'],
      (stats.types ?? []).map(({ aggregate_type: type, events }) => [type, events]),
    ),
    table(
      ['projection', 'position', 'lag', 'state'],
      (stats.projections ?? []).map(({ name, position, lag, state }) => [name, position, lag, state]),
    ),
    table(
      ['partition', 'from', 'until', 'size', 'tablespace', 'sealed'],
      (stats.partitions ?? []).map((part) => [
        part.name,
        part.from_position,
        part.until_position,
        bytes(part.bytes),
        part.tablespace,
        yesNo(part.sealed),
      ]),
    ),
    table(
      ['table', 'rows (estimated)', 'size'],
      (stats.tables ?? []).map((each) => [`log.${each.name ?? '-'}`, each.rows_estimate, bytes(each.bytes)]),
    ),
  ];
  return parts.join('\n');
}

function streamText(stream: NonNullable<LogStats['stream']>): string {
  return `${stream.name ?? '-'} ${stream.first_position ?? '-'} to ${stream.last_position ?? '-'}, ${bytes(stream.bytes)}, ${stream.lag ?? '-'} behind`;
}

function perSecond(rate: number | null | undefined): string {
  if (rate == null) return '-';
  return rate >= 10 ? rate.toFixed(0) : rate.toFixed(2);
}

function bytes(size: number | null | undefined): string {
  if (size == null) return '-';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, size < 1 ? 0 : Math.floor(Math.log2(size) / 10));
  return `${power === 0 ? size : (size / 1024 ** power).toFixed(1)} ${units[power] ?? ''}`;
}
