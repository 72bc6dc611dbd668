/**
 * HTTP calls to addresses that come from data: a registered endpoint, not a setting of ours. What is called is
 * limited by a policy, checked on the address that is connected to (a name that resolves elsewhere a moment
 * later gains nothing); redirects are refused, answers are bounded in time and size.
 */
import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { OutboundError, outboundErrorOf } from './errors.js';
import { hostOf, networkPolicy, type OutboundPolicy } from './policy.js';

/** Looks a host name up: all its addresses. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

interface ConnectionOptions {
  /** How long a connection may take to come up; 1 s when not given. */
  connectTimeoutMs?: number;
  /** Connections to one origin at most; 8 when not given. Further requests wait within their own timeout. */
  connectionsPerOrigin?: number;
  /** The system's own when not given. */
  resolve?: Resolve;
}

export type OutboundOptions = ConnectionOptions &
  (
    | {
        /** Comma-separated CIDR blocks that may be called, and nothing else. */
        allowedCidrs: string;
      }
    | { policy: OutboundPolicy }
  );

export interface OutboundRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** How long the whole call may take: waiting, connecting, answer read to its end. */
  timeoutMs: number;
  /** The longest answer that is read, in bytes. */
  maxResponseBytes: number;
  /** It is not safe to repeat: when its connection is lost it is not sent again. */
  once?: boolean;
}

export interface OutboundResponse {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  /** Those that came once, by their names in lower case. */
  readonly headers: Readonly<Partial<Record<string, string>>>;
  /** From the start of the call until the answer was read. */
  readonly durationMs: number;
}

export interface Outbound {
  /**
   * Sends one request over a kept-alive connection and answers whatever status came, 3xx excepted. Requests must be
   * safe to repeat (reads, or commands with an idempotency key) or say that they are not: one whose connection was lost is sent once more.
   * Throws OutboundError.
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

/** Makes a restricted HTTP client. Throws an Error when the list of CIDR blocks is not one. */
export function createOutbound(options: OutboundOptions): Outbound {
  const policy = 'policy' in options ? options.policy : networkPolicy(options.allowedCidrs);
  const agent = new Agent({
    connect: restrictedConnector(policy, options),
    connections: options.connectionsPerOrigin ?? 8,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    allowH2: false,
  });
  return {
    request: (request) => send(agent, policy, request),
    close: () => agent.destroy(),
  };
}

/** Undici's connector, which connects to permitted addresses only. Node asks no lookup for a literal address, so those are checked apart. */
function restrictedConnector(policy: OutboundPolicy, { connectTimeoutMs = 1_000, resolve = lookup }: ConnectionOptions) {
  const connect = buildConnector({ timeout: connectTimeoutMs, lookup: restrictedLookup(policy, resolve), allowH2: false });
  const restricted: buildConnector.connector = (target, callback) => {
    const host = hostOf(target);
    if (isIP(host) !== 0 && !policy.permits(host, host)) callback(new OutboundError('forbidden_address'), null);
    else connect(target, callback);
  };
  return restricted;
}

function restrictedLookup(policy: OutboundPolicy, resolve: Resolve): LookupFunction {
  return (hostname, options: LookupOptions, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const permitted = found.filter(({ address }) => policy.permits(address, hostOf({ hostname })));
      const [first] = permitted;
      if (first === undefined) callback(new OutboundError('forbidden_address'), '');
      else if (options.all === true) callback(null, permitted);
      else callback(null, first.address, first.family);
    });
  };
}

async function send(agent: Agent, policy: OutboundPolicy, request: OutboundRequest): Promise<OutboundResponse> {
  const verdict = policy.judge(request.url);
  if (!('url' in verdict)) throw new OutboundError(verdict.problem);
  const { url } = verdict;
  const startedAt = performance.now();
  const aborter = new AbortController();
  const timer = setTimeout(() => {
    aborter.abort();
  }, request.timeoutMs);
  try {
    const attempt = () => attemptOnce(agent, url, request, aborter.signal);
    const answer = await attempt().catch((error: unknown) => {
      // A kept-alive connection that the other side closed meanwhile shows only when it is used.
      if (outboundErrorOf(error).problem !== 'connection_lost' || aborter.signal.aborted || request.once === true) throw error;
      return attempt();
    });
    return { ...answer, durationMs: performance.now() - startedAt };
  } catch (error) {
    throw aborter.signal.aborted ? new OutboundError('timeout', error) : outboundErrorOf(error);
  } finally {
    clearTimeout(timer);
  }
}

async function attemptOnce(
  agent: Agent,
  url: URL,
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<Omit<OutboundResponse, 'durationMs'>> {
  const response = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    headers: { ...request.headers },
    body: request.body,
    signal,
  });
  if (response.statusCode >= 300 && response.statusCode < 400) {
    discard(response);
    throw new OutboundError('redirected');
  }
  const type = response.headers['content-type'];
  return {
    status: response.statusCode,
    contentType: typeof type === 'string' ? type : undefined,
    headers: Object.fromEntries(
      Object.entries(response.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    ),
    body: await readBounded(response, request.maxResponseBytes),
  };
}

async function readBounded(response: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const declared = Number(response.headers['content-length'] ?? 0);
  if (declared > maxBytes) {
    discard(response);
    throw new OutboundError('response_too_large');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the stream and with it the connection.
    if (length > maxBytes) throw new OutboundError('response_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Ends an answer that is not read; its connection is not used again. */
function discard(response: Dispatcher.ResponseData): void {
  // An aborted body reports so as an error, which nobody needs to hear.
  response.body.on('error', () => undefined);
  response.body.destroy();
}
