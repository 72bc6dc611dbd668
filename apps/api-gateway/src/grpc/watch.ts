import { z } from 'zod';
import { FairleadError, type changesV1 } from '@fairlead/contracts';
import { streamRpc, type StreamRpc } from '@fairlead/rpc';
import { changeCursor } from '../edge/change-cursor.js';
import { fieldErrorsOf } from '../edge/parse.js';
import { invalidFields } from '../domain/invalid.js';
import type { ChangeView } from '../domain/change-view.js';
import { filterFields, typeList } from '../http/changes.js';
import type { ChangeLimits } from '../streams/change-limits.js';
import type { ChangeBatch, Changes, OpenedChanges } from '../streams/changes.js';

/** Proto's empty text stands for none. */
const orNone = <Schema extends z.ZodType>(schema: Schema) => z.preprocess((value) => (value === '' ? undefined : value), schema);

const requestSchema = z.object({
  cursor: z.string().max(64, 'is not a cursor'),
  types: typeList,
  aggregate: orNone(filterFields.aggregate),
  tenant: orNone(filterFields.tenant),
  node: orNone(filterFields.node),
});

/** Changes behind a cursor, then live, until the reader leaves, the token ends, or the service drains. */
export const watch = (deps: { changes: Changes; limits: ChangeLimits }): StreamRpc<changesV1.WatchRequest, changesV1.WatchResponse> =>
  streamRpc(
    { permission: 'change.read', scoped: true, anywhere: true, cursorOf: ({ cursor }) => cursor },
    async function* (request, { principal: reader, signal }) {
      const parsed = requestSchema.safeParse(request);
      if (!parsed.success) throw invalidFields(parsed.error.issues.flatMap((issue) => fieldErrorsOf(issue)));
      const { cursor, types, aggregate, tenant, node } = parsed.data;
      const filter = { types, aggregate, tenant, node };
      const opened = await deps.changes.open({ reader, cursor: changeCursor(cursor), filter }, 'grpc');
      signal.addEventListener('abort', opened.end, { once: true });
      try {
        yield { cursor: opened.cursor, change: undefined };
        for await (const batch of opened.batches()) {
          if (batch.changes.length === 0) yield { cursor: batch.cursor, change: undefined };
          yield* messagesOf(batch, opened.inPart);
        }
        const reason = opened.reason();
        if (reason !== undefined) throw new FairleadError(reason, 'The stream has ended; go on from its last cursor');
      } catch (error) {
        if (error instanceof FairleadError) deps.limits.cutOff('grpc', error.code);
        throw error;
      } finally {
        if (signal.reason instanceof FairleadError) deps.limits.cutOff('grpc', signal.reason.code);
        signal.removeEventListener('abort', opened.end);
        opened.end();
      }
    },
  );

/** A batch's changes one after the other; what has gone out is not kept. */
function* messagesOf({ changes, incarnation }: ChangeBatch, inPart: OpenedChanges['inPart']): Generator<changesV1.WatchResponse> {
  for (let next = changes.shift(); next !== undefined; next = changes.shift())
    yield { cursor: next.cursor, change: messageOf(next.change.view(incarnation, inPart(next.change))) };
}

function messageOf(view: ChangeView): changesV1.Change {
  return {
    position: view.position,
    aggregateType: view.aggregate_type,
    aggregateId: view.aggregate_id,
    version: view.version,
    type: view.type,
    schemaVersion: view.schema_version,
    recordedAt: view.recorded_at,
    tenantId: view.tenant_id ?? '',
    nodeId: view.node_id ?? '',
    payload: structOf(view.payload),
    meta: structOf(view.meta),
  };
}

/** Readers of protobuf refuse what nests deeper than 100 messages; a level of JSON takes three. */
const maxLevels = 24;

/** As it is; what is no object, from an older or foreign writer, as the `value` of one, and what nests too deep as its JSON text. */
function structOf(value: unknown): Record<string, unknown> {
  const told = withinLevels(value, maxLevels);
  const isObject = typeof told === 'object' && told !== null && !Array.isArray(told);
  return isObject ? (told as Record<string, unknown>) : { value: told };
}

function withinLevels(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return JSON.stringify(value);
  if (Array.isArray(value)) return value.map((inner) => withinLevels(inner, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withinLevels(inner, levels - 1)]));
}
