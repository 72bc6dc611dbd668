/** The change stream as a client reads it: docs/change-stream.md. */
import { z } from 'zod';
import { resumeEvents, type ResumeOptions } from './sse-resume.js';

/** The route that serves it. */
export const changesPath = '/platform/v1/changes';

/** One event of the log, as far as the reader may see it; what is not named here passes through. */
export const changeSchema = z.looseObject({
  cursor: z.string(),
  position: z.number(),
  aggregate_type: z.string(),
  aggregate_id: z.string(),
  version: z.number(),
  type: z.string(),
  schema_version: z.number(),
  recorded_at: z.string(),
  tenant_id: z.string().nullable(),
  node_id: z.string().nullable(),
  // Objects, but for what older or foreign writers stored.
  payload: z.unknown(),
  meta: z.unknown(),
});
export type Change = z.output<typeof changeSchema>;

/** The log was restored: the holder of a cursor forgets what it learned after `valid_until`, and goes on from there. */
export const supersededSchema = z.looseObject({ incarnation: z.string(), valid_until: z.number() });

/** What a reader is told. `cursor` is where to go on once this has been dealt with. */
export type ChangeItem =
  | { readonly kind: 'change'; readonly cursor: string; readonly change: Change }
  /** Nothing for this reader up to here. */
  | { readonly kind: 'heartbeat'; readonly cursor: string }
  | { readonly kind: 'superseded'; readonly cursor: string; readonly incarnation: string; readonly validUntil: number };

/** Which changes; all that the caller may read without it. */
export interface ChangeQuery {
  readonly types?: readonly string[];
  readonly aggregate?: string;
  readonly tenant?: string;
  readonly node?: string;
}

export interface WatchChangesOptions extends Omit<ResumeOptions, 'open' | 'isComplete'> {
  /**
   * Opens the route as server-sent events. Throws an error that has the `code` and `details` of the problem it was
   * answered with, when it was.
   */
  readonly open: (query: Record<string, string>, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;
  readonly query?: ChangeQuery;
}

/**
 * Follows the change stream from a cursor (the present without one) until the signal aborts. Whatever breaks, each
 * change comes once and in order; after a restore of the log the reader is told so and goes on. Throws what
 * `isRefusal` calls final, and for what is not understood.
 */
export async function* watchChanges(options: WatchChangesOptions): AsyncGenerator<ChangeItem, void, undefined> {
  let { cursor } = options;
  while (!options.signal.aborted) {
    try {
      for await (const item of readOnce(options, cursor)) {
        yield item;
        ({ cursor } = item);
      }
    } catch (error) {
      const superseded = supersededOf(error);
      if (superseded === undefined) throw error;
      yield superseded;
      ({ cursor } = superseded);
    }
  }
}

async function* readOnce({ query = {}, ...options }: WatchChangesOptions, start: string | undefined): AsyncGenerator<ChangeItem> {
  const fields = {
    ...(query.types === undefined || query.types.length === 0 ? {} : { types: query.types.join(',') }),
    ...(query.aggregate === undefined ? {} : { aggregate: query.aggregate }),
    ...(query.tenant === undefined ? {} : { tenant: query.tenant }),
    ...(query.node === undefined ? {} : { node: query.node }),
  };
  const events = resumeEvents({
    ...options,
    cursor: start,
    isRefusal: (error) => supersededOf(error) !== undefined || options.isRefusal(error),
    open: (cursor, signal) => options.open({ ...fields, ...(cursor === undefined ? {} : { cursor }) }, signal),
  });
  for await (const { id, type, data } of events) {
    if (type === 'change') yield { kind: 'change', cursor: id, change: changeSchema.parse(JSON.parse(data)) };
    else if (type === 'heartbeat') yield { kind: 'heartbeat', cursor: id };
    else if (type === 'superseded') yield itemOf(supersededSchema.parse(JSON.parse(data)));
    // `cut_off` says why the stream ends; it is opened again. What is not known yet is for newer clients.
  }
}

function supersededOf(error: unknown): (ChangeItem & { kind: 'superseded' }) | undefined {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: unknown };
  if (code !== 'cursor_superseded') return undefined;
  const parsed = supersededSchema.safeParse(details);
  return parsed.success ? itemOf(parsed.data) : undefined;
}

function itemOf({ incarnation, valid_until }: z.output<typeof supersededSchema>): ChangeItem & { kind: 'superseded' } {
  return { kind: 'superseded', cursor: `${valid_until}.${incarnation}`, incarnation, validUntil: valid_until };
}
