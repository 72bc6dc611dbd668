/** A real OTLP/HTTP receiver of traces in JSON: refuses, and remembers, what the protocol does not allow. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for the first span of a trace. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  /** Unix time in nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly { name: string; attributes: Readonly<Record<string, string | number | boolean>> }[];
  readonly status: (typeof statuses)[number];
}

export interface OtlpReceiver {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT takes. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Headers of every post. */
  readonly posts: readonly IncomingHttpHeaders[];
  /** Why posts were refused as malformed. */
  readonly problems: readonly string[];
  /** What posts are answered with; 200 at first. `hold` leaves them without an answer. */
  answerWith(how: number | 'hold'): void;
  close(): Promise<void>;
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const statuses = ['unset', 'ok', 'error'] as const;

/** Starts a receiver on a free port of the loopback. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const posts: IncomingHttpHeaders[] = [];
  const problems: string[] = [];
  let answer: number | 'hold' = 200;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    posts.push(request.headers);
    if (answer === 'hold') return;
    let status: number = answer;
    try {
      demand(request.method === 'POST' && request.url === '/v1/traces', `${String(request.method)} ${String(request.url)}`);
      demand(request.headers['content-type'] === 'application/json', `content-type ${String(request.headers['content-type'])}`);
      const found = readTraces(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      if (status === 200) spans.push(...found);
    } catch (error) {
      problems.push(String(error));
      status = 400;
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }

  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => problems.push(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    spans,
    posts,
    problems,
    answerWith: (how) => {
      answer = how;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Json = Record<string, unknown>;

function readTraces(body: unknown): ReceivedSpan[] {
  return listIn(body, 'resourceSpans').flatMap((resourceSpans) => {
    const resource = readAttributes(listIn(objectIn(resourceSpans, 'resource'), 'attributes'));
    const service = resource['service.name'];
    demand(typeof service === 'string' && service !== '', 'service.name');
    return listIn(resourceSpans, 'scopeSpans').flatMap((scopeSpans) => {
      demand(typeof objectIn(scopeSpans, 'scope')['name'] === 'string', 'scope.name');
      return listIn(scopeSpans, 'spans').map((span) => readSpan(service, span));
    });
  });
}

function readSpan(service: string, span: Json): ReceivedSpan {
  const parent = span['parentSpanId'];
  const status = span['status'] === undefined ? 0 : (objectIn(span, 'status')['code'] ?? 0);
  const name = span['name'];
  demand(typeof name === 'string' && name !== '', 'name');
  return {
    service,
    traceId: idIn(span, 'traceId', 32),
    spanId: idIn(span, 'spanId', 16),
    ...(parent === undefined || parent === '' ? {} : { parentSpanId: idIn(span, 'parentSpanId', 16) }),
    name,
    kind: oneOf(kinds, span['kind']),
    start: timeIn(span, 'startTimeUnixNano'),
    end: timeIn(span, 'endTimeUnixNano'),
    attributes: readAttributes(span['attributes'] === undefined ? [] : listIn(span, 'attributes')),
    events: (span['events'] === undefined ? [] : listIn(span, 'events')).map((event) => ({
      name: String(event['name']),
      attributes: readAttributes(event['attributes'] === undefined ? [] : listIn(event, 'attributes')),
    })),
    status: oneOf(statuses, status),
  };
}

function readAttributes(list: readonly Json[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    list.map((attribute): [string, string | number | boolean] => {
      const key = attribute['key'];
      demand(typeof key === 'string' && key !== '', 'attribute key');
      const { stringValue, boolValue, intValue, doubleValue } = objectIn(attribute, 'value');
      if (typeof stringValue === 'string' || typeof boolValue === 'boolean') return [key, (stringValue ?? boolValue) as string | boolean];
      const number = Number(intValue ?? doubleValue);
      demand(Number.isFinite(number), `the value of attribute ${key}`);
      return [key, number];
    }),
  );
}

function idIn(of: Json, name: string, digits: number): string {
  const id = of[name];
  demand(typeof id === 'string' && id.length === digits && /^[0-9a-f]+$/.test(id) && /[^0]/.test(id), name);
  return id;
}

function timeIn(of: Json, name: string): bigint {
  const time = of[name];
  demand(typeof time === 'string' && /^[1-9]\d{18}$/.test(time), name);
  return BigInt(time);
}

function oneOf<T extends string>(list: readonly T[], index: unknown): T {
  const found = typeof index === 'number' ? list[index] : undefined;
  demand(found !== undefined, 'an enumeration value');
  return found;
}

function objectIn(of: unknown, name: string): Json {
  const value = (of as Json)[name];
  demand(typeof value === 'object' && value !== null, name);
  return value as Json;
}

function listIn(of: unknown, name: string): Json[] {
  const value = (of as Json)[name];
  demand(Array.isArray(value), name);
  return value as Json[];
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`malformed: ${what}`);
}
