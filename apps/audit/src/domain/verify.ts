/**
 * What must hold of the log, checked over what was read of it. Nothing here changes anything, and nothing stops at the
 * first finding: whoever looks after a damaged log needs to know how far the damage goes.
 */
import type { StoredEvent } from '@fairlead/event-log';

/** Each kind of finding, with what to do. */
const advice = {
  event_missing: 'The log was changed by hand, or its disk is at fault. Stop the services and restore a backup that verifies.',
  event_beyond_head: 'log.head was set back by hand, or an event was added. Stop the services and restore a backup that verifies.',
  time_fell: 'An event or its time was changed by hand. Compare it with the audit trail and a backup; restore one that verifies.',
  version_wrong: 'Events of this aggregate were changed, swapped or taken away by hand. Restore a backup that verifies.',
  event_unreadable: 'This release does not know the event. Was an older release started on this database? Else it was changed by hand.',
  aggregate_wrong: 'log.stream was changed by hand; appends to this aggregate may be refused or get a wrong version. See "A damaged log".',
  head_wrong: 'log.head was changed by hand. Stop the services: the next append would go wrong. Restore a backup that verifies.',
  total_wrong: 'log.stream holds aggregates without events, or lacks some. See "A damaged log".',
  stream_event_missing: 'The stream lost a message. Delete it (nats stream rm): the relay fills it anew from the log.',
  stream_event_differs:
    'Either the stream or the log was changed. When the log verifies otherwise, delete the stream: the relay fills it anew from the log.',
  stream_ahead:
    'The database was restored to an earlier state. The relay begins a new incarnation and fills the stream anew; else see "Restoring a backup".',
  stream_of_another_log:
    'The stream mirrors another incarnation. The relay replaces an earlier one by itself; a later one means that this database is old.',
} as const;

export type FindingKind = keyof typeof advice;

export interface Finding {
  /** Where; 0 for the log as a whole. */
  readonly position: number;
  readonly kind: FindingKind;
  readonly message: string;
  readonly advice: string;
}

/** Makes a finding with what to do. */
export function finding(kind: FindingKind, position: number, message: string): Finding {
  return { position, kind, message, advice: advice[kind] };
}

/** Where an aggregate was met first and last in what was read. */
export interface Met {
  readonly type: string;
  readonly id: string;
  readonly first: Place;
  last: Place;
}
interface Place {
  readonly position: number;
  readonly version: number;
}

/** What is remembered from one page of a range to the next. */
export interface Progress {
  /** The last position looked at. */
  position: number;
  /** Of the event there, or the last before it. */
  recordedAt: Date | undefined;
  readonly met: Map<string, Met>;
}

/** Begins a range behind a position; `before` is the event there, when there is one. */
export function beginRange(position: number, before: Pick<StoredEvent, 'recordedAt'> | undefined): Progress {
  return { position, recordedAt: before?.recordedAt, met: new Map() };
}

/** Checks the events read of the positions up to `until`: no gap, times that never fall, versions without a gap, known types. */
export function checkEvents(
  progress: Progress,
  events: readonly StoredEvent[],
  until: number,
  decode: (event: StoredEvent) => void,
): Finding[] {
  const findings: Finding[] = [];
  for (const event of events) {
    findings.push(...missing(progress.position + 1, event.position - 1), ...checkTime(progress, event));
    findings.push(...checkVersion(progress.met, event), ...checkReadable(event, decode));
    progress.position = event.position;
  }
  findings.push(...missing(progress.position + 1, until));
  progress.position = until;
  return findings;
}

function missing(from: number, to: number): Finding[] {
  if (to < from) return [];
  return [finding('event_missing', from, from === to ? `position ${from} is missing` : `positions ${from} to ${to} are missing`)];
}

function checkTime(progress: Progress, { position, recordedAt }: StoredEvent): Finding[] {
  const before = progress.recordedAt;
  progress.recordedAt = recordedAt;
  if (before === undefined || before <= recordedAt) return [];
  return [finding('time_fell', position, `recorded at ${recordedAt.toISOString()}, the event before at ${before.toISOString()}`)];
}

function checkVersion(met: Map<string, Met>, { aggregateType: type, aggregateId: id, position, version }: StoredEvent): Finding[] {
  const key = `${type} ${id}`;
  const known = met.get(key);
  if (known === undefined) {
    met.set(key, { type, id, first: { position, version }, last: { position, version } });
    return [];
  }
  const before = known.last;
  known.last = { position, version };
  return version === before.version + 1 ? [] : [versionFinding(known, known.last, before.version)];
}

function checkReadable(event: StoredEvent, decode: (event: StoredEvent) => void): Finding[] {
  try {
    decode(event);
    return [];
  } catch (error) {
    return [finding('event_unreadable', event.position, error instanceof Error ? error.message : String(error))];
  }
}

/** What the log holds about an aggregate outside of the range. */
export interface Surroundings {
  /** The version of its last event before the first one met; 0 when there is none. */
  readonly versionBefore: number;
  /** Its row of log.stream; undefined when there is none. */
  readonly stream: Place | undefined;
  /** The version of its event at the row's position; undefined when that is not one of its events. */
  readonly versionAtStream: number | undefined;
}

/** Checks how an aggregate's events of the range fit to those before, and to what log.stream says. */
export function checkAggregate(met: Met, { versionBefore, stream, versionAtStream }: Surroundings): Finding[] {
  const findings = met.first.version === versionBefore + 1 ? [] : [versionFinding(met, met.first, versionBefore)];
  const { position, version } = met.last;
  const name = `${met.type}:${met.id}`;
  if (stream === undefined)
    return [...findings, finding('aggregate_wrong', position, `log.stream has no row of ${name}, which has events`)];
  const fits = stream.position === position ? stream.version === version : stream.position > position && versionAtStream === stream.version;
  if (fits) return findings;
  const says = `version ${stream.version} at position ${stream.position}`;
  return [...findings, finding('aggregate_wrong', position, `log.stream says of ${name}: ${says}; its event here has version ${version}`)];
}

function versionFinding({ type, id }: Met, { position, version }: Place, before: number): Finding {
  return finding('version_wrong', position, `${type}:${id} has version ${version} here, after ${before}`);
}

/** What the log's tables say as a whole, read in one statement. */
export interface Totals {
  readonly head: number;
  /** The highest position of an event; 0 when there is none. */
  readonly last: number;
  /** The sum of all aggregates' versions, which is the number of events. */
  readonly versions: number;
}

/** Checks that the head is the last event, and that log.stream counts as many events as there are. */
export function checkTotals({ head, last, versions }: Totals): Finding[] {
  const findings: Finding[] = [];
  if (last < head) findings.push(finding('head_wrong', head, `the head is ${head}, the last event is at ${last}`));
  if (last > head) findings.push(finding('event_beyond_head', head + 1, `the head is ${head}, but there are events up to ${last}`));
  if (versions !== head) findings.push(finding('total_wrong', 0, `log.stream counts ${versions} events, the head is ${head}`));
  return findings;
}
