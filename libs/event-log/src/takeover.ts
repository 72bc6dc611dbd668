/**
 * Who may replace a stream that does not agree with the log. The database was restored, or it is a copy whose relay
 * was pointed at another installation's NATS. They are told apart by the others: after a restore no relay's log agrees
 * with the stream; beside a copy the relay of the original goes on, and says so every two seconds.
 */
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { findFork, type ApartCause, type LogApart } from './fork.js';

/** What a relay found: events up to `after` are still those of the incarnation. */
export interface FoundRestored {
  readonly after: number;
  /** The one that is over. */
  readonly incarnation: string;
  readonly cause: ApartCause;
}

/** Begins the next incarnation and records it, in one transaction; nothing when the present one is another meanwhile. */
export type BeginIncarnation = (found: FoundRestored) => Promise<void>;

interface Succession {
  /** This relay's log agrees with the stream; the others are told. */
  agreed(incarnation: string): void;
  /** Begins a new incarnation, then answers undefined; or says why not, or not yet. */
  onApart(error: LogApart): Promise<string | undefined>;
  close(): void;
}

interface Options {
  sql: Sql;
  messaging: Messaging;
  logger: Logger;
  beginIncarnation?: BeginIncarnation;
  /** How often a relay that agrees says so. */
  lookMs: number;
}

/** Announcements that may be missed before a relay counts as gone. */
const missed = 3;

/** Listens to the other relays from now on. */
export function takeover({ sql, messaging, logger, beginIncarnation, lookMs }: Options): Succession {
  const relay = crypto.randomUUID();
  const subject = messaging.topology.subjects.relayPoke;
  /** By incarnation, when another relay last said that its log agrees with the stream. */
  const heard = new Map<string, number>();
  let apartSince: number | undefined;
  /** The connection on which it is listened since then: while NATS is away nobody can be heard. */
  let connection: number | undefined;
  const unsubscribe = messaging.subscribeCore(subject, (data) => {
    const { relay: from, incarnation } = data as { relay?: unknown; incarnation?: unknown };
    if (from === relay || typeof incarnation !== 'string') return;
    heard.clear();
    heard.set(incarnation, performance.now());
  });
  return {
    agreed: (incarnation) => {
      apartSince = undefined;
      messaging.publishCore(subject, { relay, incarnation });
    },
    onApart: async (error) => {
      const { incarnation, cause, stream } = error.found;
      if (beginIncarnation === undefined) return `${error.message} log.begin_incarnation() begins anew`;
      if (await isReadOnly(sql)) return `${error.message} The database is read-only: it may be a standby that is behind`;
      if (!messaging.connected() || messaging.connections() !== connection) {
        connection = messaging.connections();
        apartSince = undefined;
      }
      apartSince ??= performance.now();
      const heardAt = heard.get(incarnation) ?? -Infinity;
      if (performance.now() - Math.max(apartSince, heardAt) < missed * lookMs) {
        return heardAt < apartSince
          ? `${error.message} A new incarnation begins unless another relay says that its log agrees`
          : `stream ${stream} agrees with the log of another relay: this database is a copy of that one, and needs a NATS or a namespace of its own`;
      }
      const after = await findFork(error);
      logger.warn({ stream, after, incarnation, cause }, 'the database was restored: a new incarnation of the event log begins');
      await beginIncarnation({ after, incarnation, cause });
      apartSince = undefined;
      return undefined;
    },
    close: unsubscribe,
  };
}

async function isReadOnly(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ yes: boolean }>(`select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as yes`);
  return row?.yes ?? true;
}
