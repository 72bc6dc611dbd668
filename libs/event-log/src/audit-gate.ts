/** Asks, before something is changed, whether it would be recorded: Postgres alone, at most once in a second. */
import { FairleadError } from '@fairlead/contracts';
import { isConnectionError, type Sql } from '@fairlead/postgres';

export interface AuditGateOptions {
  readonly sql: Sql;
  /** How many events the audit chain may be behind the log. */
  readonly maxEvents: number;
  /** How long ago the oldest event may have been recorded that is not in the chain. */
  readonly maxAgeMs: number;
  /** A clock that does not go back, in ms; for specs. */
  readonly now?: () => number;
}

export interface AuditGate {
  /**
   * Throws `audit_unavailable` when this process may not append to the log, the audit chain is too far behind it, or neither
   * can be told; `unavailable` when Postgres can't be reached.
   */
  check(): Promise<void>;
}

/** What was found holds for so long. */
const heldMs = 1_000;

interface ChainLag {
  events: number | null;
  seconds: number | null;
  may_append: boolean | null;
}

/** Makes a gate; calls at the same time share one look. */
export function createAuditGate({ sql, maxEvents, maxAgeMs, now = () => performance.now() }: AuditGateOptions): AuditGate {
  let held: { readonly since: number; readonly refusal: Promise<FairleadError | undefined> } | undefined;

  async function look(): Promise<FairleadError | undefined> {
    try {
      const [lag] = await sql.query<ChainLag>('select events, seconds, may_append from log.chain_lag()', [], 'log.chain_lag');
      return refusalOf(lag, { maxEvents, maxAgeMs });
    } catch (error) {
      if (isConnectionError(error)) return new FairleadError('unavailable', 'The database can not be reached right now', { cause: error });
      return untold(error);
    }
  }

  return {
    check: async () => {
      if (held === undefined || now() - held.since >= heldMs) held = { since: now(), refusal: look() };
      const refusal = await held.refusal;
      if (refusal !== undefined) throw new FairleadError(refusal.code, refusal.message, { details: refusal.details, cause: refusal.cause });
    },
  };
}

function refusalOf(lag: ChainLag | undefined, { maxEvents, maxAgeMs }: { maxEvents: number; maxAgeMs: number }): FairleadError | undefined {
  if (lag === undefined || lag.events === null || lag.may_append === null) return untold(undefined);
  if (!lag.may_append) return notTaken(undefined);
  const { events, seconds } = lag;
  if (events <= maxEvents) {
    if (seconds === null) return untold(undefined);
    if (seconds * 1_000 <= maxAgeMs) return undefined;
  }
  const behind = `${String(events)} events${seconds === null ? '' : ` and ${String(Math.round(seconds))} s`}`;
  return new FairleadError(
    'audit_unavailable',
    `The audit chain is ${behind} behind the event log, which is too far: changes are refused until it has caught up. See that the service audit runs; \`fairlead audit chain\` and \`fairlead stuck\` tell more`,
    { details: { events_behind: events, seconds_behind: seconds, max_events: maxEvents, max_seconds: maxAgeMs / 1_000 } },
  );
}

function untold(cause: unknown): FairleadError {
  return new FairleadError(
    'audit_unavailable',
    'It can not be told how far the audit chain is behind the event log: changes are refused. See that the database is migrated and that the service audit runs; `fairlead audit chain` and `fairlead log verify` tell more',
    { cause },
  );
}

/** The log takes nothing: of a call to it that was refused. */
export function notTaken(cause: unknown): FairleadError {
  return new FairleadError(
    'audit_unavailable',
    'The event log takes nothing right now, so nothing was changed. See the log of the service and of Postgres: its role may lack the right to append (`npm run db:init` gives it), or there may be no room',
    { cause },
  );
}
