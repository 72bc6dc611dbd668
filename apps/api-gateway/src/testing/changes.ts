import {
  aggregateOwners,
  FairleadError,
  readEvents,
  type Permission,
  changesV1,
  type AggregateType,
  type ControlPlaneService,
} from '@fairlead/contracts';
import type { Principal, TokenVerifier } from '@fairlead/auth';
import { createAppender, pokeLog, type Appender, type NewEvent } from '@fairlead/event-log';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import type { ChangeView } from '../domain/change-view.js';
import { migrations, type Overrides } from '../index.js';
import { startGateway, type TestGateway } from './gateway.js';

export interface Sse {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** A stream of server-sent events as it comes in. */
export interface Stream {
  readonly response: Response;
  readonly seen: Sse[];
  readonly changes: () => ChangeView[];
  readonly ended: () => boolean;
  /** Resolves when the stream has ended. */
  readonly done: Promise<void>;
  close(): void;
}

/** For specs: a gateway over a log that every service may write to, and readers of its change stream. */
export interface ChangeStage {
  readonly database: TestDatabase;
  readonly nats: TestMessaging;
  readonly gateway: TestGateway;
  readonly grpc: RpcClient<changesV1.ChangeStreamServiceService>;
  /** Appends as the service that owns the first event's aggregate; answers the last position. */
  append(...events: NewEvent[]): Promise<number>;
  /** Fills an empty log with events of jobs, one each; `payload` is SQL, in which `n` is the position. */
  fill(events: number, type: string, payload: string): Promise<void>;
  stream(query: string, options?: { token?: string; headers?: Record<string, string>; url?: string; path?: string }): Promise<Stream>;
  /** A token of a user who may do just this, on the platform or on parts of it, and may be kept to a scope; another user each time. */
  reader(grants: readonly Permission[], more?: Partial<Pick<Principal, 'grants' | 'grantsOn' | 'scope' | 'expiresAtMs'>>): string;
  /** Ends the streams that are open. */
  closeStreams(): void;
  stop(): Promise<void>;
}

/** Starts a stage; the caller stops it. */
export async function startChangeStage(env: Record<string, string> = {}, overrides: Overrides = {}): Promise<ChangeStage> {
  const [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  const readers = new Map<string, Principal>();
  // Roles make few kinds of principals; here are more.
  const verifier: TokenVerifier = {
    verify: (token) => {
      const found = readers.get(token);
      return found === undefined ? Promise.reject(new FairleadError('unauthenticated', 'nobody knows this token')) : Promise.resolve(found);
    },
  };
  const gateway = await startGateway({ database, nats }, { GRPC_PORT: '0', ...env }, { heartbeatMs: 200, verifier, ...overrides });
  const grpc = createRpcClient(changesV1.ChangeStreamServiceService, { address: gateway.service.grpcAddress ?? '', token: () => 'none' });
  const writers = new Map<ControlPlaneService, { appender: Appender; connection: Database }>();
  const streams = new Set<Stream>();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const writerOf = async (owner: ControlPlaneService): Promise<Appender> => {
    const known = writers.get(owner);
    if (known !== undefined) return known.appender;
    const access = database.access(owner);
    const connection = await openDatabase({ ...access, schema: 'public', applicationName: 'test', logger });
    const onAppended = (position: number) => {
      pokeLog(nats.messaging, position);
    };
    const appender = createAppender({ sql: connection, onAppended });
    writers.set(owner, { appender, connection });
    return appender;
  };
  return {
    database,
    nats,
    gateway,
    grpc,
    append: async (...events) => {
      const owner = aggregateOwners[events[0]?.aggregateType as AggregateType];
      const outcome = await (await writerOf(owner)).append({ events });
      if (outcome.status !== 'ok') throw new Error('not appended');
      return outcome.lastPosition;
    },
    fill: async (events, type, payload) => {
      // As superuser: nobody else may write other than by the log's function.
      await database.adminSql.query(
        `with grown as (
           insert into log.event select n, 'job', 'job_' || n, 1, $1, 1, ${payload},
             '{"principal":"user:usr_1","request_id":"r","correlation_id":"c"}', now() from generate_series(1, $2::int) n returning position)
         update log.head set position = (select max(position) from grown)`,
        [type, events],
      );
    },
    stream: async (query, options = {}) => {
      const stream = await openStream(`${options.url ?? gateway.service.httpUrl}${options.path ?? '/platform/v1/changes'}${query}`, {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...options.headers,
      });
      streams.add(stream);
      return stream;
    },
    reader: (grants, more = {}) => {
      const token = `reader-${readers.size + 1}`;
      const expiresAtMs = Date.now() + 600_000;
      readers.set(token, { id: `user:usr_${token}`, name: token, kind: 'user', roles: [], grants: new Set(grants), expiresAtMs, ...more });
      return token;
    },
    closeStreams: () => {
      for (const stream of streams) stream.close();
      streams.clear();
    },
    stop: async () => {
      for (const stream of streams) stream.close();
      grpc.close();
      for (const { appender, connection } of writers.values()) {
        await appender.close();
        await connection.close();
      }
      await gateway.stop();
      await Promise.all([database.drop(), nats.close()]);
    },
  };
}

async function openStream(url: string, headers: Record<string, string>): Promise<Stream> {
  const aborter = new AbortController();
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: aborter.signal });
  const seen: Sse[] = [];
  let ended = false;
  const read = async () => {
    if (response.headers.get('content-type') !== 'text/event-stream' || response.body === null) return;
    for await (const { id, type, data } of readEvents(response.body))
      seen.push({ id, type, data: JSON.parse(data) as Record<string, unknown> });
    ended = true;
  };
  return {
    response,
    seen,
    changes: () => seen.flatMap(({ type, data }) => (type === 'change' ? [data as unknown as ChangeView] : [])),
    ended: () => ended,
    done: read().catch(() => undefined),
    close: () => {
      aborter.abort();
    },
  };
}
