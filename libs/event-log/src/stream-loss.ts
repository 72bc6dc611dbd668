/**
 * Whether a stream lacks messages that it was given. Its last sequence does not tell: a server that was killed before it
 * had written them may come back where it stood, or a little before, without what came first or in between.
 */
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Sql } from '@fairlead/postgres';

interface Looked {
  readonly sql: Sql;
  readonly info: StreamInfo;
  /** How long the stream keeps a message. */
  readonly maxAgeMs: number;
}

/**
 * What a stream of the log's lacks, as text for a person; undefined when it lacks nothing that can't have aged out.
 * Nothing else takes messages from it: nobody may delete or purge them, and their number is not bound.
 */
export async function lossOf({ sql, info, maxAgeMs }: Looked): Promise<string | undefined> {
  const { messages, last_seq: last } = info.state;
  const first = Math.max(1, info.state.first_seq);
  if (messages < last - first + 1) return `of positions ${String(first)} to ${String(last)} it holds ${String(messages)}`;
  const { first_seq: made = 1 } = info.config as Partial<StreamConfig>;
  if (first <= made || !(await isTooYoung({ sql, info, maxAgeMs }, first - 1))) return undefined;
  return `it begins with position ${String(first)}`;
}

/**
 * Whether a message that is gone can't have aged out. By the server's own clock, where it tells it, while the stream is younger than its
 * messages may become. After that by when the event was recorded; half of the age is left for clocks that differ.
 */
async function isTooYoung({ sql, info, maxAgeMs }: Looked, position: number): Promise<boolean> {
  const now = new Date(info.ts ?? Date.now());
  if (now.getTime() - new Date(info.created).getTime() < maxAgeMs / 2) return true;
  const [row] = await sql.query<{ young: boolean }>(
    'select recorded_at > $2 and recorded_at <= $3 as young from log.event where position = $1',
    [position, new Date(now.getTime() - maxAgeMs / 2), now],
  );
  return row?.young === true;
}
