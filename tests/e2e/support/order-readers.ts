/** Readers of the log that write down what they saw: ours, and two that only remember where they were. */
import { setTimeout as pause } from 'node:timers/promises';
import { followLog, readLog, startProjection, defineProjection, type StoredEvent } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database, Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';

/** What a reader met, in the order it met it. */
export interface Seen {
  readonly position: number;
  readonly command: string;
}

export interface Reader {
  /** What it has seen so far. */
  seen(): Promise<readonly Seen[]> | readonly Seen[];
  stop(): Promise<void>;
}

const seenOf = ({ position, payload }: StoredEvent): Seen => ({ position, command: String(payload['command']) });

/** Runs until it is stopped; a failure is thrown by `stop`. */
function loop(work: () => Promise<boolean>): () => Promise<void> {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) if (!(await work())) await pause(1);
  })();
  running.catch(() => undefined);
  return async () => {
    stopping.abort();
    await running;
  };
}

/** Pages through Postgres by position. */
export function cursorReader(sql: Sql): Reader {
  const seen: Seen[] = [];
  const stop = loop(async () => {
    const page = await readLog(sql, { after: seen.at(-1)?.position ?? 0, limit: 200 });
    seen.push(...page.map(seenOf));
    return page.length > 0;
  });
  return { seen: () => seen, stop };
}

/** Subscribes to the tail that serves the change stream. */
export function followingReader(options: { sql: Sql; messaging: Messaging; logger: Logger }): Reader {
  const seen: Seen[] = [];
  const follower = followLog(options);
  const ended = new AbortController();
  const running = (async () => {
    for await (const { events } of follower.subscribe({ cursor: { position: 0 }, signal: ended.signal })) seen.push(...events.map(seenOf));
  })();
  running.catch(() => undefined);
  return {
    seen: () => seen,
    stop: async () => {
      ended.abort();
      await running;
      await follower.stop();
    },
  };
}

/** Consumes the stream that the relays fill. The sequence has to be the position. */
export async function streamReader(messaging: Messaging): Promise<Reader> {
  const seen: Seen[] = [];
  const consumer = await messaging.jetstream().consumers.get(messaging.topology.streams.evt.name);
  const messages = await consumer.consume({
    callback: (message) => {
      const { position, payload } = message.json<{ position: number; payload: { command: string } }>();
      seen.push({ position: message.seq === position ? position : -1, command: payload.command });
    },
  });
  return {
    seen: () => seen,
    stop: async () => {
      await messages.close();
    },
  };
}

/** A projection that several workers share; its table takes an event as often as it is applied. */
export function projectionReader(options: { db: Database; messaging: Messaging; logger: Logger; workers: number }): Reader {
  const definition = defineProjection({
    name: 'order_proof',
    version: 1,
    tables: { order_proof: 'order_proof_v1' },
    reads: 'raw',
    apply: async (tx, events, tables) => {
      await tx.query(`insert into ${tables.order_proof} (position, command) select * from unnest($1::bigint[], $2::text[])`, [
        events.map((event) => event.position),
        events.map((event) => String(event.payload['command'])),
      ]);
    },
  });
  const workers = Array.from({ length: options.workers }, () => startProjection({ definition, ...options, pageSize: 100 }));
  return {
    seen: () => options.db.query<Seen>('select position, command from order_proof order by applied'),
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/** A reader that may miss rows, by the ids that it saw. */
export interface NaiveReader {
  /** Rows that it has yet to come to. */
  unread(): Promise<number>;
  /** Rows that it has passed over without seeing them. */
  missed(): Promise<number>;
  stop(): Promise<void>;
}

/** Remembers the highest value of a column that it saw, as one does with a sequence or a time. */
export function naiveReader(sql: Sql, column: 'id' | 'at'): NaiveReader {
  const ids = new Set<number>();
  let cursor: string | null = null;
  const beyond = `($1::text is null or ${column} > $1::${column === 'id' ? 'bigint' : 'timestamptz'})`;
  const stop = loop(async () => {
    const rows: { id: number; cursor: string }[] = await sql.query(
      `select id, ${column}::text as cursor from naive where ${beyond} order by ${column} limit 500`,
      [cursor],
    );
    for (const { id } of rows) ids.add(id);
    cursor = rows.at(-1)?.cursor ?? cursor;
    return rows.length > 0;
  });
  return {
    unread: async () => (await sql.query(`select id from naive where ${beyond}`, [cursor])).length,
    missed: async () => {
      const passed = await sql.query<{ id: number }>(`select id from naive where not ${beyond}`, [cursor]);
      return passed.filter(({ id }) => !ids.has(id)).length;
    },
    stop,
  };
}
