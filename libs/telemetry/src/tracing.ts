/**
 * Spans, sent to an OpenTelemetry collector. Several services may share a process, so nothing here is global: each
 * service makes its own `Tracing` and hands it to its edges.
 *
 * RequestContext stays the one context. A span is the child of the span that a context's traceparent names, and work
 * inside runs in a context that names the new one; what is not sampled, or belongs to no request, leaves no span.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Span } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { FairleadError } from '@fairlead/contracts';
import {
  currentContext,
  isSampled,
  leaveContext,
  runInContext,
  spanIdOf,
  traceIdOf,
  traceparentOf,
  type RequestContext,
} from './context.js';
import type { Logger } from './logger.js';
import type { Registry } from './metrics.js';
import { createSpanExporter } from './span-exporter.js';

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** Its part in a conversation between processes; `internal` when not given. */
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** By OpenTelemetry's semantic conventions; never a body, a query, a statement's parameters or a credential. */
  readonly attributes?: SpanAttributes;
  /** Whose work it is; the context at hand when not given. */
  readonly context?: RequestContext | undefined;
  /** Whether what the work threw is a failure of the span; always when not given. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** A piece of work that has begun. After `end()` it takes nothing more. */
export interface ActiveSpan {
  /** Names this span, or, when it leaves none, the span before it. Undefined outside of any request. */
  readonly context: RequestContext | undefined;
  set(attributes: SpanAttributes): void;
  /** Marks it as failed: by an error, or by a short name for what went wrong. */
  fail(problem: unknown): void;
  end(): void;
}

/** A service's spans. None of it throws or waits for the network, whatever becomes of the receiver. */
export interface Tracing {
  /** Begins a span whose end comes by another way; names are of low cardinality. */
  start(name: string, options?: SpanOptions): ActiveSpan;
  /** Runs work in a span of its own, and ends that with it. Answers and throws what the work does. */
  span<T>(name: string, options: SpanOptions, work: (span: ActiveSpan) => T | Promise<T>): Promise<T>;
  /** Sends what is left, for 3 s at most. */
  close(): Promise<void>;
}

export interface TracingOptions {
  service: string;
  version: string;
  logger: Logger;
  registry?: Registry;
  /** Where spans are posted as OTLP/JSON; without it there are none. */
  endpoint?: string | undefined;
  /** Headers of each post, such as an authorization; secret. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The part of the traces beginning here that is kept, 0 to 1. A trace begun elsewhere was decided on there. */
  ratio?: number;
  /** How long finished spans are gathered before they are sent, in ms. */
  delayMs?: number;
}

const maxQueued = 4_096;
const maxBatch = 512;
const exportTimeoutMs = 5_000;
const closeTimeoutMs = 3_000;
const maxAttributeChars = 1_024;

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Leaves no spans; ids are carried all the same. */
export const noTracing: Tracing = tracingOf(
  (_name, { context }) => leaveNone(context),
  () => Promise.resolve(),
);

/** Makes a service's tracing: `noTracing` without an endpoint. */
export function createTracing(options: TracingOptions): Tracing {
  const { endpoint, headers, logger, registry } = options;
  if (endpoint === undefined) return noTracing;
  return exportedTracing(options, createSpanExporter({ endpoint, headers, timeoutMs: exportTimeoutMs, logger, registry }));
}

function exportedTracing(options: TracingOptions, exporter: SpanExporter): Tracing {
  const ids = new GivenIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.namespace': 'fairlead',
      'service.version': options.version,
      'service.instance.id': randomUUID(),
    }),
    idGenerator: ids,
    spanLimits: { attributeValueLengthLimit: maxAttributeChars },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: maxQueued,
        maxExportBatchSize: maxBatch,
        scheduledDelayMillis: options.delayMs ?? 1_000,
        exportTimeoutMillis: exportTimeoutMs * 2,
      }),
    ],
  });
  const tracer = provider.getTracer('fairlead', options.version);
  const ratio = new TraceIdRatioBasedSampler(options.ratio ?? 1);
  // By the trace id alone, so that every service decides alike.
  const isKept = (context: RequestContext) =>
    ratio.shouldSample(ROOT_CONTEXT, traceIdOf(context)).decision === SamplingDecision.RECORD_AND_SAMPLED;

  const start = (name: string, { kind = 'internal', attributes, context }: SpanOptions): ActiveSpan => {
    if (context === undefined || !(context.startsTrace === true ? isKept(context) : isSampled(context))) return leaveNone(context);
    ids.traceId = traceIdOf(context);
    const parent =
      context.startsTrace === true
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: ids.traceId,
            spanId: spanIdOf(context),
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          });
    const span = tracer.startSpan(name, { kind: kinds[kind], attributes: { ...attributesOf(context), ...attributes } }, parent);
    const traceparent = traceparentOf(ids.traceId, span.spanContext().spanId, true);
    return activeSpan(span, { ...context, traceparent, startsTrace: undefined });
  };

  return tracingOf(start, async () => {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeTimeoutMs)));
    // What could not be sent was told of by the exporter.
    await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
    clearTimeout(timer);
  });
}

function tracingOf(begin: (name: string, options: SpanOptions) => ActiveSpan, close: () => Promise<void>): Tracing {
  const start = (name: string, options: SpanOptions = {}) => begin(name, { ...options, context: options.context ?? currentContext() });
  return {
    start,
    span: async (name, options, work) => {
      const span = start(name, options);
      try {
        return await (span.context === undefined ? work(span) : runInContext(span.context, () => work(span)));
      } catch (error) {
        if (options.isFailure?.(error) !== false) span.fail(error);
        throw error;
      } finally {
        span.end();
      }
    },
    close,
  };
}

function activeSpan(span: Span, context: RequestContext): ActiveSpan {
  return {
    context,
    set: (attributes) => {
      span.setAttributes({ ...attributes });
    },
    fail: (problem) => {
      markFailed(span, problem);
    },
    // The queue's timer must not live on in the context of the request that happened to start it.
    end: () => {
      leaveContext(() => {
        span.end();
      });
    },
  };
}

function leaveNone(context: RequestContext | undefined): ActiveSpan {
  const nothing = () => undefined;
  // That the trace is not kept is decided now, for all that follows.
  const decided = context?.startsTrace === true ? { ...context, startsTrace: undefined } : context;
  return { context: decided, set: nothing, fail: nothing, end: nothing };
}

/** Declared errors tell their message; of others, which may quote what they were given, only the kind: the log tells more. */
function markFailed(span: Span, problem: unknown): void {
  if (!(problem instanceof Error)) {
    span.setAttribute('error.type', String(problem));
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const declared = problem instanceof FairleadError;
  const code: unknown = (problem as { code?: unknown }).code;
  const type = typeof code === 'string' ? code : problem.name;
  span.setAttribute('error.type', type);
  span.addEvent('exception', { 'exception.type': type, ...(declared ? { 'exception.message': problem.message } : {}) });
  span.setStatus({ code: SpanStatusCode.ERROR, ...(declared ? { message: problem.message } : {}) });
}

/** What every span tells of the request it belongs to. */
function attributesOf(context: RequestContext): SpanAttributes {
  return {
    'fairlead.request.id': context.requestId,
    'fairlead.correlation.id': context.correlationId,
    'fairlead.tenant.id': context.tenantId,
    'fairlead.job.id': context.jobId,
    'fairlead.job.step': context.step,
  };
}

/** A new trace gets the id that its request already carries in logs and headers. */
class GivenIds {
  traceId = '';

  generateTraceId(): string {
    return this.traceId;
  }

  generateSpanId(): string {
    return randomBytes(8).toString('hex');
  }
}
