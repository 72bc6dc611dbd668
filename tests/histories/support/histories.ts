/** The histories beside this folder: what earlier releases left in their logs, one event a line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { eventCatalogue, type EventCatalogue } from '@fairlead/contracts';
import type { EventMeta, StoredEvent } from '@fairlead/event-log';

export const folder = join(import.meta.dirname, '..');

/** Types that no recorded history holds, and why; each is in the history that was made by hand. */
export const unrecorded: Readonly<Record<string, string>> = {
  'dead_letter.dead_letter_discard_failed': 'NATS has to go in the very moment of a discard',
  'projection.event_skipped': 'a projection has to be stopped by an event that it can not take',
  'iam_change.change_requested': 'an external IAM has to be there',
  'iam_change.change_succeeded': 'the same',
  'iam_change.change_failed': 'the same',
  'event_log.trail_sealing_requested': 'it has to be of old events',
  'event_log.trail_sealed': 'twenty thousand events have to be there',
  'event_log.trail_sealing_failed': 'the folder of the segments has to be full or gone',
  'placement_map.placement_bucket_differed': 'a value in KV has to be damaged',
  'endpoint.endpoint_condition_changed': 'an endpoint has to flap for minutes',
  'event_log.incarnation_begun': 'the database has to be restored from a backup',
};

/** A line: the columns of log.event. */
const row = z.strictObject({
  position: z.int().positive(),
  aggregate_type: z.string(),
  aggregate_id: z.string(),
  version: z.int().positive(),
  type: z.string(),
  schema_version: z.int().positive(),
  payload: z.record(z.string(), z.unknown()),
  meta: z.record(z.string(), z.string()),
  recorded_at: z.iso.datetime(),
});

/** An event as it is read from the log, from a line's object. */
export function storedEvent(line: unknown): StoredEvent {
  const { aggregate_type, aggregate_id, schema_version, recorded_at, meta, ...rest } = row.parse(line);
  return {
    ...rest,
    aggregateType: aggregate_type,
    aggregateId: aggregate_id,
    schemaVersion: schema_version,
    meta: meta as Partial<EventMeta> as EventMeta,
    recordedAt: new Date(recorded_at),
  };
}

/** What is wrong with an event by the schema of the very version it was written in, a field too many included. */
export function misfits({ aggregateType, type, schemaVersion, payload }: StoredEvent): unknown {
  const catalogue: EventCatalogue = eventCatalogue;
  const schema = catalogue[aggregateType]?.types[type]?.schemas[schemaVersion - 1];
  return schema === undefined ? 'there is no such type or version' : schema.safeParse(payload).error?.issues;
}

export interface RecordedHistory {
  readonly name: string;
  readonly byHand: boolean;
  readonly text: string;
  readonly events: readonly StoredEvent[];
}

/** All histories, the oldest first: their names begin with the day. */
export function readHistories(): RecordedHistory[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => storedEvent(JSON.parse(line)));
    return { name: file.slice(0, -'.jsonl'.length), byHand: file.endsWith('.by-hand.jsonl'), text, events };
  });
}

/** `<aggregate type>.<type>`. */
export function nameOf({ aggregateType, type }: Pick<StoredEvent, 'aggregateType' | 'type'>): string {
  return `${aggregateType}.${type}`;
}

/** Every `<aggregate type>.<type>` of a catalogue. */
export function typesOf(catalogue: EventCatalogue): string[] {
  return Object.entries(catalogue).flatMap(([aggregateType, { types }]) => Object.keys(types).map((type) => `${aggregateType}.${type}`));
}
