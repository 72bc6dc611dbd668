import { Histogram } from 'prom-client';
import { FairleadError } from '@fairlead/contracts';
import { OutboundError, type Outbound } from '@fairlead/outbound';
import { currentContext, headersOfContext, noTracing, type ActiveSpan, type Registry, type Tracing } from '@fairlead/telemetry';
import {
  checkImport,
  readExport,
  readReload,
  readSeenTenant,
  readTenantState,
  refusalOf,
  type ExportedTenant,
  type SeenTenant,
  type TenantState,
} from '../domain/fleet-answers.js';
import type { Endpoint } from './directory.js';
import { traceCall } from './trace-call.js';

/** What makes a command safe to send twice, and too late ones harmless. */
export interface CommandStamp {
  readonly idempotencyKey: string;
  readonly fence: number;
}

/** The fleet contract (docs/fleet-contract.md) as functions; each is one HTTP call. They throw FairleadError. */
export interface FleetClient {
  tenantState(endpoint: Endpoint, tenantId: string): Promise<SeenTenant>;
  drain(endpoint: Endpoint, tenantId: string, stamp: CommandStamp): Promise<TenantState>;
  resume(endpoint: Endpoint, tenantId: string, stamp: CommandStamp): Promise<TenantState>;
  drop(endpoint: Endpoint, tenantId: string, stamp: CommandStamp, movedRevision: number): Promise<TenantState>;
  /** Seals the tenant's state and answers it, checked against its checksum. */
  export(endpoint: Endpoint, tenantId: string, stamp: CommandStamp): Promise<ExportedTenant>;
  import(endpoint: Endpoint, tenantId: string, stamp: CommandStamp, exported: ExportedTenant): Promise<void>;
  /** Answers the revision the endpoint applied. */
  reload(endpoint: Endpoint, stamp: CommandStamp): Promise<number>;
}

export interface FleetClientOptions {
  outbound: Outbound;
  /** The bearer token of commands; reads need none and get none. */
  token: string;
  callTimeoutMs: number;
  /** For export and import, which carry a tenant's state. */
  transferTimeoutMs: number;
  /** The largest tenant state that is handed over, in bytes. */
  maxTenantBytes: number;
  registry: Registry;
  /** Gets a client span per call. */
  tracing?: Tracing;
}

const maxAnswerBytes = 1_048_576;
/** Room for what surrounds the data in an export's answer. */
const envelopeBytes = 65_536;

interface Call {
  readonly operation: string;
  readonly path: string;
  /** The path's low-cardinality form. */
  readonly template: string;
  /** Absent for a read. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly maxResponseBytes?: number;
}

export function createFleetClient(options: FleetClientOptions): FleetClient {
  const duration = new Histogram({
    name: 'fairlead_fleet_call_duration_seconds',
    help: 'How long calls to managed services took, by operation and outcome.',
    labelNames: ['operation', 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [options.registry],
  });
  const ask = async <T>(endpoint: Endpoint, call: Call, read: (body: unknown) => T): Promise<T> => {
    const stopTimer = duration.startTimer({ operation: call.operation });
    try {
      const answer = read(await exchange(options, endpoint, call));
      stopTimer({ outcome: 'ok' });
      return answer;
    } catch (error) {
      const named = namedError(error, endpoint);
      stopTimer({ outcome: named.code });
      throw named;
    }
  };
  const tenantPost = (action: string, tenantId: string, stamp: CommandStamp, more: Readonly<Record<string, unknown>> = {}): Call => ({
    operation: action,
    path: `/admin/tenants/${encodeURIComponent(tenantId)}/${action}`,
    template: `/admin/tenants/{tenant_id}/${action}`,
    body: { ...stampOf(stamp), ...more },
  });
  const transfer = { timeoutMs: options.transferTimeoutMs };
  return {
    tenantState: (endpoint, tenantId) =>
      ask(
        endpoint,
        { operation: 'tenant_state', path: `/admin/tenants/${encodeURIComponent(tenantId)}`, template: '/admin/tenants/{tenant_id}' },
        readSeenTenant,
      ),
    drain: (endpoint, tenantId, stamp) => ask(endpoint, tenantPost('drain', tenantId, stamp), readTenantState),
    resume: (endpoint, tenantId, stamp) => ask(endpoint, tenantPost('resume', tenantId, stamp), readTenantState),
    drop: (endpoint, tenantId, stamp, movedRevision) =>
      ask(endpoint, tenantPost('drop', tenantId, stamp, { moved_revision: movedRevision }), readTenantState),
    export: (endpoint, tenantId, stamp) =>
      ask(
        endpoint,
        { ...tenantPost('export', tenantId, stamp), ...transfer, maxResponseBytes: options.maxTenantBytes + envelopeBytes },
        (body) => boundedExport(readExport(body), options.maxTenantBytes),
      ),
    import: (endpoint, tenantId, stamp, { data, sha256, lastSeq }) =>
      ask(endpoint, { ...tenantPost('import', tenantId, stamp, { data, sha256 }), ...transfer }, (body) => {
        checkImport(body, { data, sha256, lastSeq });
      }),
    reload: (endpoint, stamp) =>
      ask(endpoint, { operation: 'reload', path: '/admin/reload', template: '/admin/reload', body: stampOf(stamp) }, readReload),
  };
}

function stampOf({ idempotencyKey, fence }: CommandStamp): Record<string, unknown> {
  return { idempotency_key: idempotencyKey, fence };
}

function boundedExport(exported: ExportedTenant, maxBytes: number): ExportedTenant {
  if (Buffer.byteLength(exported.data) > maxBytes) throw tooLarge(maxBytes);
  return exported;
}

function tooLarge(maxBytes: number): FairleadError {
  return new FairleadError('too_large', `the tenant's state is larger than ${String(maxBytes)} bytes`);
}

function exchange(options: FleetClientOptions, endpoint: Endpoint, call: Call): Promise<unknown> {
  const method = call.body === undefined ? 'GET' : 'POST';
  const url = endpoint.url.replace(/\/$/, '') + call.path;
  return traceCall(options.tracing ?? noTracing, endpoint, { method, url, template: call.template }, (span) =>
    send(options, call, { method, url }, span),
  );
}

async function send(
  options: FleetClientOptions,
  call: Call,
  { method, url }: { method: 'GET' | 'POST'; url: string },
  span: ActiveSpan,
): Promise<unknown> {
  const context = currentContext();
  const headers: Record<string, string> = context === undefined ? {} : headersOfContext(context);
  if (call.body !== undefined) Object.assign(headers, { 'content-type': 'application/json', authorization: `Bearer ${options.token}` });
  const maxResponseBytes = call.maxResponseBytes ?? maxAnswerBytes;
  try {
    const { status, body } = await options.outbound.request({
      method,
      url,
      headers,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      timeoutMs: call.timeoutMs ?? options.callTimeoutMs,
      maxResponseBytes,
    });
    span.set({ 'http.response.status_code': status });
    const parsed = parseJson(body);
    if (status !== 200) throw refusalOf(status, parsed);
    return parsed;
  } catch (error) {
    if (error instanceof OutboundError && error.problem === 'response_too_large' && call.operation === 'export')
      throw tooLarge(options.maxTenantBytes);
    throw error;
  }
}

/** The parsed body, or undefined when it is not JSON: the reader of the answer says what it misses. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Says which endpoint an error came from. */
function namedError(error: unknown, { kind, shardId, endpointId }: Endpoint): FairleadError {
  const details = { kind, shard_id: shardId, endpoint_id: endpointId };
  const where = `${kind} shard ${shardId}, endpoint ${endpointId}`;
  if (error instanceof FairleadError)
    return new FairleadError(error.code, `${where}: ${error.message}`, { details: { ...error.details, ...details }, cause: error });
  return new FairleadError('internal', `${where}: the call failed`, { details, cause: error });
}
