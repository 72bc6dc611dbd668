/** An event in the form that is hashed. docs/audit.md describes it, for others to implement. */
import { canonicalJson, exactNumber, parseExact } from './canonical.js';

/** A row of log.event, with what Postgres could print in more than one way as text. */
export interface LogRow {
  readonly position: number;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly version: string;
  readonly type: string;
  readonly schema_version: string;
  /** JSON. */
  readonly payload: string;
  /** JSON. */
  readonly meta: string;
  /** Seconds since 1970 with six decimals. */
  readonly recorded_at: string;
}

/** An event's canonical form, cut where its position stands: so it can be asked what it would be elsewhere. */
export interface CanonicalEvent {
  readonly position: number;
  readonly before: string;
  readonly after: string;
}

/** The members of a canonical event, in order. */
const names = [
  'aggregate_id',
  'aggregate_type',
  'meta',
  'payload',
  'position',
  'recorded_at',
  'schema_version',
  'type',
  'version',
] as const;

type Members = Readonly<Record<(typeof names)[number], unknown>>;

/** The canonical form of a row. Throws when its JSON can't be read. */
export function canonicalRow(row: LogRow): CanonicalEvent {
  return cut({
    ...row,
    payload: parseExact(row.payload),
    meta: parseExact(row.meta),
    version: exactNumber(row.version),
    schema_version: exactNumber(row.schema_version),
    recorded_at: timeText(row.recorded_at),
  });
}

/** The canonical form of an event that was parsed from it by parseExact; undefined when it has not just those members. */
export function canonicalParsed(event: unknown): CanonicalEvent | undefined {
  if (typeof event !== 'object' || event === null || Object.keys(event).length !== names.length) return undefined;
  const members = event as Members;
  if (!names.every((name) => Object.hasOwn(members, name)) || !Number.isSafeInteger(members.position)) return undefined;
  return typeof members.recorded_at === 'string' ? cut(members) : undefined;
}

function cut(members: Members): CanonicalEvent {
  const part = (from: number, until?: number) =>
    names
      .slice(from, until)
      .map((name) => `"${name}":${canonicalJson(members[name])}`)
      .join(',');
  const at = names.indexOf('position');
  return {
    position: members.position as number,
    before: `{${part(0, at)},"position":`,
    after: `,${part(at + 1)}}`,
  };
}

/** The canonical text of an event, as if it stood at `position`. */
export function canonicalText({ before, after, position }: CanonicalEvent, at = position): string {
  return `${before}${at}${after}`;
}

/** When an event says that it was recorded, in milliseconds since 1970; NaN when that is no time. */
export function recordedMs({ after }: CanonicalEvent): number {
  return Date.parse(/^,"recorded_at":"([^"]*)"/.exec(after)?.[1] ?? '');
}

/** Seconds since 1970 as RFC 3339; what is no time of the years 1970 to 9999 stays as it is. */
function timeText(epochSeconds: string): string {
  const [, whole, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(epochSeconds) ?? [];
  const ms = Number(whole ?? NaN) * 1_000;
  if (!(ms <= 253_402_300_799_000)) return epochSeconds;
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
}
